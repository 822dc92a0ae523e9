"""The wall clock of a zone: what it shows at a moment, and the first moment at which it shows something.

Moments are Unix seconds. A time that the clocks skip in spring is the moment at which they skip it; of a time that they
show twice in autumn, the first is meant.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from nearwise_rules.logic.foreign import zone_named

DAY = 86_400
KEPT = 64
"""So many stretches of a wall clock are kept: those of the next days, and of the moments last asked for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stretch(NamedTuple):
    """A time in which the clock runs evenly through one day: up to `end` it shows the seconds since `midnight`.

    `day` is the ordinal of the date. `midnight` is counted back by the clock as it is now: on a day on which the
    clocks are changed, it is not the moment at which the day began.
    """

    day: int
    midnight: int
    end: int


class Wall:
    """The wall clock of a zone (an IANA name; UTC where this machine does not know it)."""

    __slots__ = ("_known", "_zone")

    def __init__(self, zone: str) -> None:
        self._zone = zone_named(zone)
        self._known: dict[int, Stretch] = {}

    def shown(self, at: float) -> datetime:
        """What the clock shows, in whole seconds."""
        return (_EPOCH + timedelta(seconds=math.floor(at))).astimezone(self._zone)

    def stretch(self, at: float) -> Stretch:
        """The stretch that `at` lies in: to midnight or to the next change of the clocks.

        All schedules of a store ask for the same days, so those last asked for are kept.
        """
        second = math.floor(at)
        known = self._known.get(second)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[second] = self._stretch(second)
        return known

    def _stretch(self, second: int) -> Stretch:
        shown = self.shown(second)
        midnight = second - (shown.hour * 60 + shown.minute) * 60 - shown.second
        end, offset = midnight + DAY, shown.utcoffset()
        if self.shown(end).utcoffset() != offset:
            end = self._change(second, end, offset)
        return Stretch(shown.toordinal(), midnight, end)

    def begins(self, day: int) -> int:
        """The first moment of a day, given by its ordinal."""
        return self.moment(datetime.fromordinal(day))

    def moment(self, wall: datetime) -> int:
        """The first moment at which the clock shows `wall` (without a zone) or a later time."""
        first, second = (
            (wall.replace(tzinfo=self._zone, fold=fold) - _EPOCH) // timedelta(seconds=1) for fold in (0, 1)
        )
        if first <= second:
            return first
        # In the gap the offset before the change counts too far, and the one after it not far enough.
        return self._change(second, first, self.shown(second).utcoffset())

    def _change(self, before: int, after: int, offset: timedelta | None) -> int:
        """The first second at which the clock no longer has the offset that it has at `before`."""
        while after - before > 1:
            middle = (before + after) // 2
            if self.shown(middle).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after
