"""What a set of rules reads beside the plain context, and the data with all of it put in and all forbidden taken out.

The caller's own value of an attribute wins over history, signals and traits; what the subject does not consent to is
missing, whoever gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from nearwise_rules.decide.ambient import AMBIENT, SINCE, ambient_names
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.decide.attributes import Declared
    from nearwise_rules.decide.question import Question
    from nearwise_rules.decide.release import Release
    from nearwise_rules.decide.surroundings import Surroundings
    from nearwise_rules.history import Ledger


class Reading:
    """Made once for the rules that it serves. `plain`: they read nothing but the context, as it was given.

    History that is about a candidate is only taken out here, where it is forbidden: `Visit.data_of` puts it in.
    """

    __slots__ = ("_ages", "_attributes", "_names", "_zone", "plain")

    def __init__(self, reads: Iterable[str], release: Release) -> None:
        wanted = _with_measured(frozenset(reads), release)
        self._names = ambient_names(wanted)
        self._zone = release.zone
        touched = release.attributes.touched(wanted)
        relevant = [each for each in touched if each.mask or each.is_provided]
        ordered = sorted(relevant, key=lambda each: each.measure is not None)
        self._attributes = tuple(
            [(each, each.path[:-1], each.path[-1], each.mask, _is_given(each)) for each in ordered]
        )
        signals = sorted(name.removeprefix(SINCE) for name in wanted if name.startswith(SINCE))
        self._ages = tuple([(name, _mask_of(name, release)) for name in signals])
        self.plain = not (self._names or self._attributes or self._ages)

    def data(self, question: Question, key: str) -> Mapping[str, object]:
        """The data that the rules of `key` see."""
        if self.plain:
            return question.data
        data = dict(question.data)
        for name in self._names:
            if name != "subject" or "subject" not in data:
                data[name] = AMBIENT[name](question, key, self._zone)
        if self._attributes or self._ages:
            self._surround(data, question)
        return data

    def _surround(self, data: dict[str, object], question: Question) -> None:
        known, at = question.surroundings, question.at
        denied = ~known.granted
        opened: _Opened = {(): data}
        ledgers: dict[str, Ledger | None] = {}

        def look_up(name: str) -> object:
            return at_path(data, name.split("."))

        for each, around, leaf, mask, is_given in self._attributes:
            inner = opened.get(around)
            there = at_path(data, each.path) if inner is None else inner.get(leaf)
            if mask & denied:
                if there is not None:
                    _put(opened, each.path, None)
            elif there is None and is_given:
                measure = each.measure
                if measure is None:
                    value = _provided(each, known, at)
                else:
                    if measure.per not in ledgers:
                        ledgers[measure.per] = question.ledger(measure.per)
                    ledger = ledgers[measure.per]
                    value = None if ledger is None else measure.value(ledger, look_up, at)
                if value is not None:
                    if inner is None:
                        inner = _open(opened, around)
                    inner[leaf] = value
        for name, mask in self._ages:
            signal = known.signals.get(name)
            if signal is not None and not mask & denied:
                _put(opened, (*SINCE[:-1].split("."), *name.split(".")), at - signal.at)


def _with_measured(reads: frozenset[str], release: Release) -> frozenset[str]:
    """These reads, and what the history attributes among them ask about: gated and given before they are answered."""
    measures = [each.measure for each in release.attributes.touched(reads) if each.measure is not None]
    return reads.union(*[measure.reads for measure in measures])


def _is_given(each: Declared) -> bool:
    """Whether it is put in here when the caller did not give it."""
    return each.is_provided and not each.asks_of_candidate


def _mask_of(name: str, release: Release) -> int:
    """The purposes without which nobody may know of an attribute, not even how old it is."""
    declared = release.attributes.declared(name)
    return 0 if declared is None else declared.mask


def _provided(each: Declared, known: Surroundings, at: float) -> object:
    """What the surroundings know of an attribute that is not history."""
    if each.source == "trait":
        return known.traits.get(each.name)
    signal = known.signals.get(each.name)
    return None if signal is None or at >= signal.expires else signal.value


def remembered(each: Declared, data: Mapping[str, object], question: Question) -> object:
    """What history says of an attribute for these data."""
    measure = each.measure
    ledger = None if measure is None else question.ledger(measure.per)
    if measure is None or ledger is None:
        return None
    return measure.value(ledger, lambda name: at_path(data, name.split(".")), question.at)


_Opened: TypeAlias = "dict[tuple[str, ...], dict[str, object]]"
"""The mappings of the data that are this reading's own, by path; () is the whole."""


def _put(opened: _Opened, path: tuple[str, ...], value: object) -> None:
    """Set a value at a path without changing the caller's own mappings. What a path lies in is put before it."""
    inner = opened.get(path[:-1])
    if inner is None:
        inner = _open(opened, path[:-1])
    inner[path[-1]] = value


def _open(opened: _Opened, path: tuple[str, ...]) -> dict[str, object]:
    """A mapping of our own at a path: a copy of what is there."""
    inner = opened[()]
    for length, name in enumerate(path, 1):
        own = opened.get(path[:length])
        if own is None:
            below = inner.get(name)
            own = dict(cast("Mapping[str, object]", below)) if isinstance(below, Mapping) else {}
            inner[name] = opened[path[:length]] = own
        inner = own
    return inner
