"""Deliveries: trigger events on their way to a channel, made in the transaction that stores the event.

Who sends claims a delivery first: until the claim has run out nobody else takes it, and a server that dies in between
leaves it due. A channel may so get a delivery twice, never not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from nearwise_server.store.channels import DEFAULT_CHANNEL, Channel, ChannelName, channels_named
from nearwise_server.store.statements import insert_new
from nearwise_server.store.tables import deliveries

_ITEMS_AT_ONCE = 500
Item = TypeVar("Item")


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A delivery before it is stored. `channel` is None when the event names none."""

    environment: str
    device: str
    epoch: str
    seq: int
    channel: str | None
    trigger: str
    body: bytes
    created_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A stored delivery, without what it says of anyone."""

    id: int
    environment: str
    device: str
    epoch: str
    seq: int
    channel: str
    trigger: str
    state: State
    tries: int
    created_ms: int
    changed_ms: int
    next_ms: int
    until_ms: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, and its channel if there is one."""

    row: DeliveryRow
    channel: Channel | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a delivery: its new state, and when it is tried next or, once it is settled, removed."""

    id: int
    state: State
    changed_ms: int
    next_ms: int
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are meant; None is all."""

    environment: str
    id: int | None = None
    state: State | None = None
    channel: str | None = None


def add_deliveries(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Store deliveries, due at once. One that names no channel goes to the default channel, or nowhere without one."""
    nameless = {(draft.environment, DEFAULT_CHANNEL) for draft in drafts if draft.channel is None}
    known = channels_named(connection, nameless)
    rows = [
        _new_row(draft)
        for draft in drafts
        if draft.channel is not None or (draft.environment, DEFAULT_CHANNEL) in known
    ]
    if rows:
        connection.execute(insert_new(connection, deliveries), rows)


def are_due(connection: Connection, now_ms: int) -> bool:
    """True when the time of some delivery has come."""
    return connection.execute(select(deliveries.c.id).where(_due(now_ms)).limit(1)).first() is not None


def due_deliveries(connection: Connection, now_ms: int, most: int, *, without: Collection[ChannelName]) -> list[Due]:
    """Deliveries whose time has come, the oldest first, but for those of some channels."""
    wanted = _due(now_ms)
    if without:
        wanted &= tuple_(deliveries.c.environment, deliveries.c.channel).not_in(sorted(without))
    query = select(deliveries).where(wanted).order_by(deliveries.c.next_ms, deliveries.c.id).limit(most)
    rows = connection.execute(query).mappings().all()
    known = channels_named(connection, {(row["environment"], row["channel"]) for row in rows})
    return [Due(_delivery(row), known.get((row["environment"], row["channel"])), bytes(row["body"])) for row in rows]


def claim_deliveries(connection: Connection, ids: Sequence[int], until_ms: int) -> None:
    """Count one more try of some deliveries, and keep others from trying them before `until_ms`."""
    for some in _slices(ids):
        change = {"tries": deliveries.c.tries + 1, "next_ms": until_ms}
        connection.execute(update(deliveries).where(deliveries.c.id.in_(some)).values(change))


def settle_deliveries(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write what became of deliveries. What is settled stays so; what is sent keeps nothing of anyone."""
    same = (deliveries.c.id == bindparam("b_id")) & (deliveries.c.state == State.WAITING.value)
    names = ("state", "changed_ms", "next_ms", "last_error")
    changes: dict[str, BindParameter[object]] = {name: bindparam(f"b_{name}") for name in names}
    rows = [{f"b_{name}": getattr(settlement, name) for name in ("id", *names)} for settlement in settlements]
    if rows:
        connection.execute(update(deliveries).where(same).values(changes), rows)
    for some in _slices([settlement.id for settlement in settlements if settlement.state is State.SENT]):
        sent = deliveries.c.id.in_(some) & (deliveries.c.state == State.SENT.value)
        connection.execute(update(deliveries).where(sent).values(body=b""))


def remove_settled(connection: Connection, now_ms: int) -> int:
    """Remove deliveries that were sent or given up long enough ago; how many."""
    settled = deliveries.c.state.in_([State.SENT.value, State.DEAD.value])
    return connection.execute(delete(deliveries).where(settled & (deliveries.c.next_ms <= now_ms))).rowcount


def forget_deliveries(connection: Connection, stream: tuple[str, str, str], events: Sequence[int]) -> int:
    """Remove the deliveries of some events (sequence numbers of an environment, device and epoch); how many."""
    environment, device, epoch = stream
    same = (deliveries.c.environment == environment) & (deliveries.c.device == device) & (deliveries.c.epoch == epoch)
    some = (delete(deliveries).where(same & deliveries.c.seq.in_(part)) for part in _slices(events))
    return sum(connection.execute(each).rowcount for each in some)


def deliveries_before(
    connection: Connection, wanted: DeliveryFilter, below: int | None, limit: int
) -> list[DeliveryRow]:
    """Deliveries with ids below `below`, newest first; from the newest on when it is None."""
    condition = _wanted(wanted)
    if below is not None:
        condition &= deliveries.c.id < below
    query = select(deliveries).where(condition).order_by(deliveries.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def count_deliveries(connection: Connection, wanted: DeliveryFilter) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(deliveries).where(_wanted(wanted))).scalar_one()


def retry_deliveries(connection: Connection, wanted: DeliveryFilter, *, now_ms: int, until_ms: int) -> int:
    """Let deliveries that were not sent be tried at once, and again until `until_ms`; how many."""
    unsent = _wanted(wanted) & (deliveries.c.state != State.SENT.value)
    change = {"state": State.WAITING.value, "tries": 0, "changed_ms": now_ms, "next_ms": now_ms, "until_ms": until_ms}
    return connection.execute(update(deliveries).where(unsent).values(change)).rowcount


def _due(now_ms: int) -> ColumnElement[bool]:
    return (deliveries.c.state == State.WAITING.value) & (deliveries.c.next_ms <= now_ms)


def _wanted(wanted: DeliveryFilter) -> ColumnElement[bool]:
    condition = deliveries.c.environment == wanted.environment
    if wanted.id is not None:
        condition &= deliveries.c.id == wanted.id
    if wanted.state is not None:
        condition &= deliveries.c.state == wanted.state.value
    if wanted.channel is not None:
        condition &= deliveries.c.channel == wanted.channel
    return condition


def _slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + _ITEMS_AT_ONCE] for at in range(0, len(items), _ITEMS_AT_ONCE))


def _new_row(draft: Draft) -> dict[str, object]:
    return {
        "environment": draft.environment,
        "device": draft.device,
        "epoch": draft.epoch,
        "seq": draft.seq,
        "channel": DEFAULT_CHANNEL if draft.channel is None else draft.channel,
        "trigger": draft.trigger,
        "body": draft.body,
        "state": State.WAITING.value,
        "tries": 0,
        "created_ms": draft.created_ms,
        "changed_ms": draft.created_ms,
        "next_ms": draft.created_ms,
        "until_ms": draft.until_ms,
    }


def _delivery(row: RowMapping) -> DeliveryRow:
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(DeliveryRow)}
    values["state"] = State(row["state"])
    return DeliveryRow(**values)
