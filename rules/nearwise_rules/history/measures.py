"""Declared history attributes, made into functions of a ledger: built once, asked with each decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import TypeAlias, cast

from nearwise_rules.history.keys import joined_key, name_part, series_key, summed_key, value_text
from nearwise_rules.history.ledger import Ledger
from nearwise_rules.history.plan import OWN_VALUE, Need
from nearwise_rules.windows import Window, parse_window

VERBS = ("count", "sum", "first", "last", "since_first", "since_last")
UNITS: Mapping[str, float] = {"days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}

LookUp: TypeAlias = Callable[[str], object]
_Ask: TypeAlias = "Callable[[Ledger, str, float], object]"


class Measure:
    """One question to a ledger. `reads` are the attributes whose values it depends on, `needs` what must be recorded.

    `per` says whose ledger: "subject" or "device".
    """

    __slots__ = ("_ask", "_key", "_of", "_pairs", "needs", "per", "reads")

    def __init__(self, document: Mapping[str, object], kind: str, retention: Callable[[str], float]) -> None:
        verb, event = _verb_of(document)
        where = cast("Mapping[str, object]", document.get("where") or {})
        variables = {
            name: str(cast("Mapping[str, object]", value)["var"])
            for name, value in where.items()
            if isinstance(value, Mapping)
        }
        self.per = str(document.get("per", "subject"))
        self.reads = frozenset(variables.values())
        self._of = str(document.get("of") or OWN_VALUE) if verb == "sum" else None
        self._key = None if variables else self._filed(series_key(where))
        self._pairs = tuple([(name_part(name), value_text(where[name]), variables.get(name)) for name in sorted(where)])
        self._ask, measured = _asking(verb, event, document, kind, retention(event))
        self.needs = (Need(event, tuple(sorted({*where, *measured})), self._of, self.per),)

    def value(self, ledger: Ledger, look_up: LookUp, at: float) -> object | None:
        """The answer at a moment; None when it never happened, or an attribute in `where` has no value.

        `look_up` gives the value of an attribute by its dotted name.
        """
        key = self._key
        if key is None:
            key = self._looked_up(look_up)
            if key is None:
                return None
        return self._ask(ledger, key, at)

    def _looked_up(self, look_up: LookUp) -> str | None:
        pairs = list[str]()
        for name, text, attribute in self._pairs:
            written = text if attribute is None else value_text(look_up(attribute))
            if written is None:
                return None
            pairs.append(name + written)
        return self._filed(joined_key(pairs))

    def _filed(self, key: str) -> str:
        return key if self._of is None else summed_key(key, self._of)


def _forever(_event: str) -> float:
    return inf


def compile_measure(
    document: Mapping[str, object], kind: str = "number", retention: Callable[[str], float] = _forever
) -> Measure:
    """The measure of a history attribute's document. `kind` is the attribute's type: it shapes `first` and `last`.

    `retention` gives the seconds for which an event is remembered: a measure looks back no further.

    Raises:
        ValueError: there is not exactly one verb, or the window is none.
    """
    return Measure(document, kind, retention)


def _verb_of(document: Mapping[str, object]) -> tuple[str, str]:
    given = [verb for verb in VERBS if document.get(verb) is not None]
    if len(given) != 1:
        raise ValueError(f"a measure has one of {', '.join(VERBS)}")
    return given[0], str(document[given[0]])


def _asking(
    verb: str, event: str, document: Mapping[str, object], kind: str, retention: float
) -> tuple[_Ask, tuple[str, ...]]:
    """How a ledger is asked, and the properties that must be part of the keys beside those of `where`."""
    window = _within(parse_window(str(document.get("window", "ever"))), retention)
    if verb == "count":
        return _counting(event, document.get("distinct"), window)
    if verb == "sum":
        return lambda ledger, key, at: ledger.total(event, key, window, at), ()
    ask = _timing(verb, event, UNITS[str(document.get("unit", "days"))], as_text=kind == "datetime")
    return _remembered(ask, event, retention), ()


def _within(window: Window, retention: float) -> Window:
    """The window as far as an event is remembered. Those of the calendar are checked to be shorter."""
    if window.kind not in ("rolling", "ever") or window.seconds <= retention:
        return window
    return Window("rolling", retention)


def _remembered(ask: _Ask, event: str, retention: float) -> _Ask:
    """No answer about an event that happened last before the time that is remembered."""
    if retention == inf:
        return ask

    def bounded(ledger: Ledger, key: str, at: float) -> object:
        last = ledger.last(event, key)
        return None if last is None or at - last > retention else ask(ledger, key, at)

    return bounded


def _counting(event: str, distinct: object, window: Window) -> tuple[_Ask, tuple[str, ...]]:
    if distinct is None:
        return lambda ledger, key, at: ledger.count(event, key, window, at), ()
    if distinct == "day":
        return lambda ledger, key, at: ledger.days(event, key, window, at), ()
    if distinct == "hour":
        return lambda ledger, key, at: ledger.hours(event, key, window, at), ()
    name = str(distinct)
    return lambda ledger, key, at: ledger.distinct(event, name, window, at, key), (name,)


def _timing(verb: str, event: str, unit: float, *, as_text: bool) -> _Ask:
    when = Ledger.first if verb.endswith("first") else Ledger.last

    def since(ledger: Ledger, key: str, at: float) -> float | None:
        found = when(ledger, event, key)
        return None if found is None else max(at - found, 0.0) / unit

    if verb.startswith("since"):
        return since
    if not as_text:
        return lambda ledger, key, _at: when(ledger, event, key)
    return lambda ledger, key, _at: _text(when(ledger, event, key))


def _text(at: float | None) -> str | None:
    if at is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
