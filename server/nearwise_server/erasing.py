"""Which events a request to erase means: pure functions of requests, batches and clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from nearwise_rules import OpenBatch, erasure_digest, subjects_in
from nearwise_server.store.erasures import Tombstone

_DAY_MS = 86_400_000
_OLDEST_REQUEST_MS = 30 * _DAY_MS
"""A request that seems older was written by a clock that was wrong."""
_NEWEST_EVENT_MS = _DAY_MS
"""So much later than its arrival an event is not dated by a clock that is right."""


class Arrival(Protocol):
    """Where and when a batch came from. `sent_ms` is by the device's clock, None when it did not say."""

    @property
    def device(self) -> str: ...
    @property
    def epoch(self) -> str: ...
    @property
    def received_ms(self) -> int: ...
    @property
    def sent_ms(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """What is erased of one batch: per index the requests that do it; and who else each request erases from now on."""

    by_index: Mapping[int, frozenset[int]]
    joined: frozenset[tuple[int, str]]


def asked_at(at_ms: int, received_ms: int, sent_ms: int | None) -> int:
    """When a device asked, by the server's clock. What cannot be right counts from the arrival: then more is erased."""
    asked_ms = _by_our_clock(at_ms, received_ms, sent_ms)
    return asked_ms if received_ms - _OLDEST_REQUEST_MS <= asked_ms <= received_ms else received_ms


def find_erased(batch: OpenBatch, arrival: Arrival, tombstones: Iterable[Tombstone]) -> Erased:
    """The events of a batch that these tombstones erase."""
    members = batch.members()
    named = [frozenset[str]() if each is None else subjects_in(each) for each in members]
    graves: dict[str, list[Tombstone]] = {}
    for tombstone in tombstones:
        graves.setdefault(tombstone.digest, []).append(tombstone)
    digests = {subject: erasure_digest(subject) for subjects in named for subject in subjects}
    by_index: dict[int, frozenset[int]] = {}
    joined: set[tuple[int, str]] = set()
    for index, (event, subjects) in enumerate(zip(members, named, strict=True)):
        found = [grave for subject in subjects for grave in graves.get(digests[subject], ())]
        if event is None or not found:
            continue
        covering = [grave for grave in found if _covers(grave, arrival, batch.first + index, event.get("at"))]
        if covering:
            by_index[index] = frozenset(grave.erasure for grave in covering)
            joined |= _joined(event, covering)
    return Erased(by_index, frozenset(joined))


def _joined(event: Mapping[str, object], covering: list[Tombstone]) -> set[tuple[int, str]]:
    """The anonymous one of a join goes with the subject that it joined, not the other way round."""
    subject, anonymous = event.get("subject"), event.get("anonymous")
    if event.get("type") != "join" or not isinstance(subject, str) or not isinstance(anonymous, str):
        return set()
    digest = erasure_digest(subject)
    return {(grave.erasure, erasure_digest(anonymous)) for grave in covering if grave.digest == digest}


def _covers(tombstone: Tombstone, arrival: Arrival, sequence: int, at: object) -> bool:
    """Whether an event was recorded before the request; in doubt it was."""
    if (tombstone.device, tombstone.epoch) == (arrival.device, arrival.epoch) and tombstone.sequence is not None:
        return sequence <= tombstone.sequence
    if arrival.received_ms <= tombstone.asked_ms or not isinstance(at, int):
        return True
    at_ms = _by_our_clock(at, arrival.received_ms, arrival.sent_ms)
    return at_ms <= tombstone.asked_ms or at_ms > arrival.received_ms + _NEWEST_EVENT_MS


def _by_our_clock(at_ms: int, received_ms: int, sent_ms: int | None) -> int:
    return at_ms if sent_ms is None else at_ms + received_ms - sent_ms
