"""Ledgers as bytes: MessagePack behind a check sum, times as whole milliseconds after the one before.

crc32 (4 bytes, little-endian) | [1, [event, ...], [series, ...], [experiment, variant, propensity, ms, ...]]
series: [event's index, key, number, sum, first, last, low, high, [ms, ...], [value, ...], [hour, number, sum, ...],
         [day, number, sum, ...]]
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from zlib import crc32

from nearwise_rules.bundle.messagepack import pack, unpack
from nearwise_rules.history.assignments import Assignment
from nearwise_rules.history.series import EMPTY, Buckets, Series

if TYPE_CHECKING:
    from nearwise_rules.history.ledger import Ledger

_Row: TypeAlias = "list[Any]"
_VERSION = 1
_SUM_BYTES = 4


def pack_ledger(ledger: Ledger) -> bytes:
    """What a ledger remembers, as bytes."""
    events: dict[str, int] = {}
    rows = [[events.setdefault(event, len(events)), key, *_row(series)] for event, key, series in ledger.all_series()]
    assigned = [
        part
        for experiment, (variant, propensity, at) in ledger.assignments.items()
        for part in (experiment, variant, propensity, at)
    ]
    body = pack([_VERSION, list(events), rows, assigned])
    return crc32(body).to_bytes(_SUM_BYTES, "little") + body


def unpack_ledger(data: bytes, assigned: dict[str, Assignment]) -> Iterator[tuple[str, str, Series]]:
    """Event, key and series in their order; the assignments are put into `assigned`.

    Raises:
        ValueError: the bytes are damaged, or of a later format.
    """
    events, rows, parts = _content(data)
    for place in range(0, len(parts), 4):
        experiment, *assignment = parts[place : place + 4]
        assigned[cast("str", experiment)] = Assignment(*cast("tuple[str, float, float]", assignment))
    for row in rows:
        event, key, *series = row
        yield events[event], key, _series(series)


def _content(data: bytes) -> tuple[list[str], list[_Row], list[object]]:
    body = data[_SUM_BYTES:]
    if crc32(body).to_bytes(_SUM_BYTES, "little") != data[:_SUM_BYTES]:
        raise ValueError("the check sum of the ledger is wrong")
    version, *content = cast("list[object]", unpack(body))
    if version != _VERSION:
        raise ValueError(f"a ledger of format {version}")
    return cast("tuple[list[str], list[_Row], list[object]]", content)


def _row(series: Series) -> list[object]:
    milliseconds = [round(time * 1000) for time in series.times]
    return [
        series.number,
        series.total,
        _whole(series.first),
        _whole(series.last),
        _whole(series.low),
        _whole(series.high),
        [later - earlier for earlier, later in zip([0, *milliseconds], milliseconds, strict=False)],
        list(series.values) if any(series.values) else None,
        _flat(series.hours),
        _flat(series.days),
    ]


def _series(row: list[Any]) -> Series:
    """A row without its event and key; one that has another shape raises what Python raises."""
    number, total, first, last, low, high, steps, values, hours, days = row
    times = tuple([time / 1000 for time in accumulate(steps)])
    return Series(
        number,
        total,
        inf if first is None else first / 1000,
        -inf if last is None else last / 1000,
        times,
        tuple(values) if values else (0.0,) * len(times),
        _buckets(hours) if hours else EMPTY,
        _buckets(days) if days else EMPTY,
        -inf if low is None else low / 1000,
        inf if high is None else high / 1000,
    )


def _whole(seconds: float) -> int | None:
    return None if seconds in (inf, -inf) else round(seconds * 1000)


def _flat(buckets: Buckets) -> list[float]:
    return [part for number, (count, total) in buckets.items() for part in (number, count, total)]


def _buckets(flat: list[Any]) -> Buckets:
    return {flat[at]: (flat[at + 1], float(flat[at + 2])) for at in range(0, len(flat), 3)}
