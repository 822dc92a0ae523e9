"""Linear models: intercept + sum of what each feature adds, through the identity or the logistic function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, isfinite
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.models.scorers import Sums

_STEEPEST = 700.0  # exp of more is no float


class Linear:
    """Logistic or plain regression over declared attributes.

    Features are added in two parts, those that only the visit decides first: they are the same for all candidates.
    """

    __slots__ = ("_alike", "_intercept", "_logistic", "_own", "fallback", "mask", "reads")

    def __init__(self, document: JsonObject, of_candidate: Callable[[str], bool]) -> None:
        features = cast("Mapping[str, JsonObject]", document.get("features") or {})
        self.reads = tuple(features)
        self.mask = purposes_mask(cast("list[str]", document.get("purposes") or ()))
        self.fallback = float(cast("float", document.get("fallback") or 0.0))
        self._intercept = float(cast("float", document.get("intercept") or 0.0))
        self._logistic = document.get("link", "logistic") == "logistic"
        own = {name for name in features if name.split(".", 1)[0] == "offer" or of_candidate(name)}
        self._alike = _Terms({name: feature for name, feature in features.items() if name not in own})
        self._own = _Terms({name: features[name] for name in features if name in own})

    def score(self, data: Mapping[str, object], sums: Sums | None = None) -> float:
        """The score for these data; `fallback` where the sum is no finite number."""
        try:
            alike = None if sums is None else sums.get(self)
            if alike is None:
                alike = self._alike.added(self._intercept, data)
                if sums is not None:
                    sums[self] = alike
            total = self._own.added(alike, data)
        except (OverflowError, ValueError):  # a whole number too long to count with, or to write
            return self.fallback
        if not isfinite(total):
            return self.fallback
        return 1.0 / (1.0 + exp(-max(-_STEEPEST, min(_STEEPEST, total)))) if self._logistic else total


class _Terms:
    """What features add to a sum: numbers first, then texts."""

    __slots__ = ("_numbers", "_texts")

    def __init__(self, features: Mapping[str, JsonObject]) -> None:
        self._numbers: list[tuple[tuple[str, ...], float, float, float]] = []
        self._texts: list[tuple[tuple[str, ...], dict[str, float], float]] = []
        for name, feature in features.items():
            path, missing = tuple(name.split(".")), float(cast("float", feature.get("missing") or 0.0))
            values = feature.get("values")
            if isinstance(values, dict):
                self._texts.append(
                    (path, {text: float(cast("float", given)) for text, given in values.items()}, missing)
                )
            else:
                mean = float(cast("float", feature.get("mean") or 0.0))
                slope = float(cast("float", feature["weight"])) / float(cast("float", feature.get("scale") or 1.0))
                self._numbers.append((path, slope, mean, missing))

    def added(self, total: float, data: Mapping[str, object]) -> float:
        for path, slope, mean, missing in self._numbers:
            value = at_path(data, path)
            if value is not None and not isinstance(value, int | float):
                value = _read(value)
            total += (value - mean) * slope if isinstance(value, int | float) else missing
        for path, weights, missing in self._texts:
            value = at_path(data, path)
            if value is not None and not isinstance(value, str | int | float):
                value = _read(value)
            total += weights.get(_text(value), missing) if value is not None else missing
        return total


def _text(value: object) -> str:
    """How a category is written in a document: JSON's words for booleans, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _read(value: object) -> object:
    """What rules see of a Decimal or an Enum member; None for what they cannot read."""
    from nearwise_rules.logic.foreign import read_foreign
    from nearwise_rules.logic.values import ABSENT

    found = read_foreign(value, "UTC")
    return None if found is ABSENT else found
