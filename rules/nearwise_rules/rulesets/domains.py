"""What values an attribute can still have once some comparisons hold: an interval of numbers, or a set of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from nearwise_rules.documents import Json

Constant = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that are left. `values` None: any; the bounds hold for numbers, `open_*`: the bound itself is out.

    `may_lack`: the attribute may have no value at all.
    """

    values: frozenset[tuple[type, Constant]] | None = None
    low: float = -inf
    high: float = inf
    open_low: bool = False
    open_high: bool = False
    may_lack: bool = True

    @classmethod
    def declared(cls, bounds: Json, values: Json) -> Domain:
        """What a declaration allows."""
        domain = cls()
        if isinstance(bounds, list) and len(bounds) == 2:
            low, high = bounds
            domain = replace(
                domain,
                low=low if isinstance(low, int | float) else -inf,
                high=high if isinstance(high, int | float) else inf,
            )
        if isinstance(values, list):
            return replace(domain, values=frozenset(_typed(value) for value in values if _is_constant(value)))
        return domain

    @property
    def is_empty(self) -> bool:
        """Whether no value and no lack of one is left."""
        return not self.may_lack and not self._has_value()

    def _has_value(self) -> bool:
        if self.values is not None:
            return any(self._is_within(value) for _, value in self.values)
        return self.low < self.high or (self.low == self.high and not (self.open_low or self.open_high))

    def _is_within(self, value: Constant) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        above = value > self.low or (value == self.low and not self.open_low)
        return above and (value < self.high or (value == self.high and not self.open_high))

    def one_of(self, constants: Iterable[Constant]) -> Domain:
        """With a value among these."""
        wanted = frozenset(map(_typed, constants))
        kept = wanted if self.values is None else self.values & wanted
        inside = frozenset(each for each in kept if self._is_within(each[1]))
        return replace(self, values=inside, may_lack=False)

    def none_of(self, constants: Iterable[Constant]) -> Domain:
        """Without these values; what is left of an endless set is not told."""
        if self.values is None:
            return self
        return replace(self, values=self.values - frozenset(map(_typed, constants)))

    def compared(self, operator: str, bound: float) -> Domain:
        """With a number that compares so with a bound."""
        found = replace(self, may_lack=False)
        strict = operator in ("<", ">")
        if operator in ("<", "<="):
            if bound < found.high or (bound == found.high and strict):
                return replace(found, high=bound, open_high=strict)
        elif bound > found.low or (bound == found.low and strict):
            return replace(found, low=bound, open_low=strict)
        return found


def _typed(value: Json) -> tuple[type, Constant]:
    """A value told apart from those of other types: 1 is 1.0, and neither is true."""
    if isinstance(value, bool):
        return bool, value
    return (float, value) if isinstance(value, int | float) else (str, str(value))


def _is_constant(value: Json) -> bool:
    return isinstance(value, str | int | float | bool)
