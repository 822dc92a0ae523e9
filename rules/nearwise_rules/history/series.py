"""One series of occurrences: how many, how much, when. A value: adding gives the next one, so no reader sees a half.

The newest 32 occurrences are kept as they are. An older one is counted in the bucket of its hour, and after nine days
in that of its day; each is in one place only. A rolling window counts a bucket that it cuts through whole: it may tell
more than there were at its edge, never less. Hours, days, weeks and months of the calendar are exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from math import inf, nextafter
from types import MappingProxyType
from typing import NamedTuple

from nearwise_rules.windows import HOURS, Calendar, Span, Window

NEWEST = 32
_HOURLY_DAYS = 9
_EARLY_SECONDS = 0.001
"""Figures are worked out anew this much early, so that rounding makes none late."""

Buckets = Mapping[int, tuple[int, float]]
"""Hour or day -> how many occurrences, and the sum of their values."""
EMPTY: Buckets = MappingProxyType({})


class Figures(NamedTuple):
    """What a window held, and between which moments that is so: from `since` up to, not including, `until`."""

    since: float
    until: float
    number: int
    total: float


class _Bucket(NamedTuple):
    """Occurrences of one hour, or of a day of which the hours are not known any more."""

    day: int
    hour: int | None
    number: int
    total: float


class _Look(NamedTuple):
    """What a window holds: the times from `first` up to `end`, buckets, and until when that is all."""

    first: int
    end: int
    buckets: list[_Bucket]
    until: float


class Series(NamedTuple):
    """Occurrences of one event and key, oldest first. All before `low` and after `high` may be in buckets."""

    number: int = 0
    total: float = 0.0
    first: float = inf
    last: float = -inf
    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    hours: Buckets = EMPTY
    days: Buckets = EMPTY
    low: float = -inf
    high: float = inf

    def added(self, at: float, value: float, calendar: Calendar, most_days: int) -> Series:
        """This series and one more occurrence."""
        place = bisect_right(self.times, at)
        grown = Series(
            self.number + 1,
            self.total + value,
            min(self.first, at),
            max(self.last, at),
            (*self.times[:place], at, *self.times[place:]),
            (*self.values[:place], value, *self.values[place:]),
            *self[6:],
        )
        return grown if len(grown.times) <= NEWEST else grown._settled(at, calendar, most_days)

    def _settled(self, at: float, calendar: Calendar, most_days: int) -> Series:
        """Put what is farthest from `at` into the bucket of its hour until few enough are left."""
        times, values, low, high = list(self.times), list(self.values), self.low, self.high
        hours = dict(self.hours)
        while len(times) > NEWEST:
            oldest = at - times[0] >= times[-1] - at
            out, value = times.pop(0 if oldest else -1), values.pop(0 if oldest else -1)
            low, high = (max(low, out), high) if oldest else (low, min(high, out))
            _pour(hours, calendar.hour(out), 1, value)
        days = self.days
        if len(hours) != len(self.hours):
            hours, days = _aged(hours, days, calendar.day(at), most_days)
        return Series(*self[:4], tuple(times), tuple(values), hours, days, low, high)

    def figures(self, window: Window, at: float, calendar: Calendar) -> Figures:
        """How many occurrences a window held at a moment, and the sum of their values."""
        if window.kind == "ever":
            return Figures(-inf, inf, self.number, self.total)
        if window.kind == "rolling" and not (self.hours or self.days):
            return self._newest(window.seconds, at)
        first, end, buckets, until = self._look(window, at, calendar)
        number, total = end - first, sum(self.values[first:end], 0.0)
        for bucket in buckets:
            number += bucket.number
            total += bucket.total
        return Figures(at, until, number, total)

    def _newest(self, seconds: float, at: float) -> Figures:
        """What a rolling window held when each occurrence is there: the same as by `_look`, worked out at once."""
        times = self.times
        first, end = bisect_right(times, at - seconds), bisect_left(times, at + seconds)
        leaves = times[first] if first < len(times) else inf
        enters = times[end] if end < len(times) else inf
        until = min(leaves + seconds, enters - seconds) - _EARLY_SECONDS
        return Figures(at, until, end - first, sum(self.values[first:end], 0.0))

    def days_of(self, window: Window, at: float, calendar: Calendar) -> Figures:
        """On how many days of the calendar there were occurrences in a window; `total` tells nothing."""
        first, end, buckets, until = self._look(window, at, calendar)
        days = {calendar.day(time) for time in self.times[first:end]}
        days.update([bucket.day for bucket in buckets])
        return Figures(at, until, len(days), 0.0)

    def hours_of(self, window: Window, at: float, calendar: Calendar) -> Figures:
        """In how many hours there were occurrences; of a day that is only known as a whole, in as many as can be."""
        first, end, buckets, until = self._look(window, at, calendar)
        hours = {calendar.hour(time) for time in self.times[first:end]}
        hours.update([bucket.hour for bucket in buckets if bucket.hour is not None])
        more = sum([min(bucket.number, 24) for bucket in buckets if bucket.hour is None])
        return Figures(at, until, len(hours) + more, 0.0)

    def _look(self, window: Window, at: float, calendar: Calendar) -> _Look:
        span = calendar.span(window, at)
        first, end = bisect_left(self.times, span.low), bisect_left(self.times, span.high)
        if not (self.hours or self.days):
            buckets = list[_Bucket]()
        elif self.low < span.low and span.high <= self.high:
            buckets = []
        else:
            buckets = self._cut(span, calendar)
        if window.kind != "rolling":
            return _Look(first, end, buckets, span.until)
        return _Look(first, end, buckets, self._until(window.seconds, span, first, end, calendar))

    def _until(self, seconds: float, span: Span, first: int, end: int, calendar: Calendar) -> float:
        """Until when a rolling window holds what it holds in `span`, if nothing is added."""
        leaves = self.times[first] if first < len(self.times) else inf
        enters = self.times[end] if end < len(self.times) else inf
        if self.hours or self.days:
            leaves = min(leaves, calendar.hour_end(span.low), self.low if self.low >= span.low else inf)
            last = calendar.hour_end(nextafter(span.high, -inf))
            enters = min(enters, last, self.high if self.high >= span.high else inf)
        return min(leaves + seconds, enters - seconds) - _EARLY_SECONDS

    def _cut(self, span: Span, calendar: Calendar) -> list[_Bucket]:
        """The buckets that a span touches."""
        first, last = calendar.hour(span.low), calendar.hour(nextafter(span.high, -inf))
        buckets = [
            _Bucket(hour // HOURS, hour, number, total)
            for hour, (number, total) in self.hours.items()
            if first <= hour <= last
        ]
        for day, (number, total) in self.days.items():
            if first // HOURS <= day <= last // HOURS:
                buckets.append(_Bucket(day, None, number, total))
        return buckets

    def pruned(self, calendar: Calendar, horizon: float) -> Series:
        """This series without what is known of the days before that of `horizon`; the figures of ever stay."""
        day = calendar.day(horizon)
        kept = bisect_left(self.times, calendar.start(day))
        hours = {hour: bucket for hour, bucket in self.hours.items() if hour >= day * HOURS}
        days = {number: bucket for number, bucket in self.days.items() if number >= day}
        if kept == 0 and len(hours) == len(self.hours) and len(days) == len(self.days):
            return self
        return self._replace(times=self.times[kept:], values=self.values[kept:], hours=hours, days=days)

    def retained(self, calendar: Calendar, horizon: float) -> Series:
        """This series as if nothing before `horizon` had happened; a bucket goes when all of it lies before."""
        if self.first >= horizon:
            return self
        kept = bisect_left(self.times, horizon)
        times, values = self.times[kept:], self.values[kept:]
        hour, day = calendar.hour(horizon), calendar.day(horizon)
        hours = {number: bucket for number, bucket in self.hours.items() if number >= hour}
        days = {number: bucket for number, bucket in self.days.items() if number >= day}
        poured = (*hours.values(), *days.values())
        return self._replace(
            number=len(times) + sum(count for count, _ in poured),
            total=sum(values) + sum(total for _, total in poured),
            first=horizon if poured else min(times, default=inf),
            last=self.last if self.last >= horizon else -inf,
            times=times,
            values=values,
            hours=hours,
            days=days,
        )

    def merged(self, other: Series, calendar: Calendar, most_days: int) -> Series:
        """The occurrences of both."""
        newest = sorted(zip((*self.times, *other.times), (*self.values, *other.values), strict=True))
        hours, days = dict(self.hours), dict(self.days)
        for buckets, added in ((hours, other.hours), (days, other.days)):
            for number, (count, total) in added.items():
                _pour(buckets, number, count, total)
        both = Series(
            self.number + other.number,
            self.total + other.total,
            min(self.first, other.first),
            max(self.last, other.last),
            tuple(time for time, _ in newest),
            tuple(value for _, value in newest),
            hours,
            days,
            max(self.low, other.low),
            min(self.high, other.high),
        )
        settled = both._settled(both.last, calendar, most_days)
        aged, aged_days = _aged(dict(settled.hours), settled.days, calendar.day(both.last), most_days)
        return settled._replace(hours=aged, days=aged_days)


def _pour(buckets: dict[int, tuple[int, float]], number: int, count: int, total: float) -> None:
    before = buckets.get(number, (0, 0.0))
    buckets[number] = (before[0] + count, before[1] + total)


def _aged(
    hours: dict[int, tuple[int, float]], days: Buckets, today: int, most_days: int
) -> tuple[dict[int, tuple[int, float]], Buckets]:
    """Hours that are far from today become parts of their days; too many days lose those farthest away."""
    far = [hour for hour in hours if abs(hour // HOURS - today) > _HOURLY_DAYS]
    if not far and len(days) <= most_days:
        return hours, days
    grown = dict(days)
    for hour in far:
        _pour(grown, hour // HOURS, *hours.pop(hour))
    for day in sorted(grown, key=lambda day: abs(day - today))[most_days:]:
        del grown[day]
    return hours, grown
