"""History from the events that still wait to be sent: what a crash or a damaged file took is recorded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise_rules import DEVICE, owner_of

if TYPE_CHECKING:
    from nearwise.history.store import HistoryStore
    from nearwise.outbox.sealing import Outbox
    from nearwise_rules import HistoryPlan, Release


class Waiting(NamedTuple):
    """An event of the outbox, decoded, and its place there."""

    epoch: str
    sequence: int
    event: Mapping[str, object]


def _no_tags(_offer: str) -> Sequence[str]:
    return ()


def rebuild(
    history: HistoryStore,
    waiting: Iterable[Waiting],
    plan: HistoryPlan,
    tags: Callable[[str], Sequence[str]] = _no_tags,
) -> int:
    """Record the events that the history on the disk does not have yet, and mark them; how many there were.

    `waiting` comes in the order of the outbox, `tags` gives those of an offer. What was done by subjects that nobody
    named is recorded for the device only: their session is over.
    """
    marked, reached, count = history.marked, history.marked is None, 0
    for epoch, sequence, event in waiting:
        if marked is not None and epoch == marked[0]:
            reached = True
            if sequence <= marked[1]:
                continue
        if reached and _record(history, event, plan, tags):
            history.mark(epoch, sequence)
            count += 1
    return count


def catch_up(history: HistoryStore, outbox: Outbox, release: Release) -> int:
    """Record what earlier runs left in an outbox and the history on the disk does not have; how many events."""
    epoch, _ = outbox.place
    marked = history.marked
    first = marked[1] + 1 if marked is not None and marked[0] == epoch else 0
    found = _decoded(outbox.found(first))
    waiting = (Waiting(epoch, sequence, _still_granted(event, release)) for sequence, event in found)

    def tags(offer: str) -> Sequence[str]:
        found = release.catalogue.offer(offer)
        return () if found is None else found.tags

    return rebuild(history, waiting, release.remembers, tags)


def _still_granted(event: Mapping[str, object], release: Release) -> Mapping[str, object]:
    """The event with the purposes that its subject granted then and grants now."""
    granted, subject = event.get("granted"), event.get("subject")
    if subject is None or not isinstance(granted, int):
        return event
    return {**event, "granted": granted & release.surround(subject).granted}


def _decoded(numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Mapping[str, object]]]:
    from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

    for sequence, payload in numbered:
        event = cast("Callable[[bytes], object]", unpackb)(payload)
        if isinstance(event, dict):
            yield sequence, cast("Mapping[str, object]", event)


def _record(
    history: HistoryStore, event: Mapping[str, object], plan: HistoryPlan, tags: Callable[[str], Sequence[str]]
) -> bool:
    happened = _happened(event, tags)
    at, granted, subject = event.get("at"), event.get("granted"), event.get("subject")
    if happened is None or not isinstance(at, int):
        return False
    name, properties, value = happened
    with history.changing(DEVICE) as ledger:
        plan.view("device", -1).record(ledger, name, properties, value, at / 1000)
    if subject is not None:
        view = plan.view("subject", granted if isinstance(granted, int) else 0)
        with history.changing(owner_of(subject)) as ledger:
            view.record(ledger, name, properties, value, at / 1000)
    return True


def _happened(
    event: Mapping[str, object], tags: Callable[[str], Sequence[str]]
) -> tuple[str, Mapping[str, object], float | None] | None:
    """The name, the properties and the value that history knows an event by; None for one that it does not record."""
    if event.get("type") == "track":
        properties, value = event.get("properties"), event.get("value")
        known: Mapping[str, object] = properties if isinstance(properties, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
        return str(event.get("name")), known, value if isinstance(value, int | float) else None
    if event.get("type") != "exposure" or event.get("fallback") is True:
        return None
    shown = {name: event[name] for name in ("flag", "variant", "offer") if name in event}
    offer = event.get("offer")
    if isinstance(offer, str):
        shown |= {"placement": event.get("flag"), "tag": tags(offer)}
    return "exposure", shown, None
