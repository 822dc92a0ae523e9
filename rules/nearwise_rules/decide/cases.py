"""Golden cases: questions whose answers an author fixed. They run in `check` and on a device before activation."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask
from nearwise_rules.decide.question import Question
from nearwise_rules.decide.surroundings import Signal, Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.history import Ledger

EXPECTED = ("variant", "value", "reason", "items")


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """A golden case that got another answer: the entry's key, the case's name and a sentence."""

    key: str
    name: str
    message: str


def run_cases(release: Release) -> tuple[CaseFailure, ...]:
    """Run every golden case of the release's bundle; none in the result means all hold."""
    failures: list[CaseFailure] = []
    for key in release.bundle.keys("case"):
        case: object = loads(release.bundle.entry("case", key) or b"{}")
        if not isinstance(case, dict):
            failures.append(CaseFailure(key, key, "is no case"))
            continue
        document = cast("JsonObject", case)
        message = failure_of(document, release)
        if message:
            failures.append(CaseFailure(key, str(document.get("name", key)), message))
    return tuple(failures)


def failure_of(case: JsonObject, release: Release) -> str:
    """What one case (as its entry has it) got instead of what it expects; empty when it holds."""
    expect = cast("Mapping[str, object]", case.get("expect") or {})
    try:
        at = release.issued if case.get("at") is None else instant(str(case["at"]), release.zone)
    except (ValueError, LookupError, OverflowError) as error:
        return f"its time cannot be read: {error}"
    question = _question(case, release, at)
    if case.get("trigger") is not None:
        from nearwise_rules.triggers.cases import failure_of_trigger

        return failure_of_trigger(case, release, question)
    decision = release.ask(str(case.get("flag") or case.get("placement")), question)
    wrong = [name for name in EXPECTED if name in expect and not is_same(expect[name], _got(decision, name))]
    told = [f"expected {name} {dumps(expect[name])}, got {dumps(_got(decision, name))}" for name in wrong]
    return f"{'; '.join(told)} ({_because(decision)})" if told else ""


def _question(case: JsonObject, release: Release, at: float) -> Question:
    """What a case asks, with what the device knows beside the context."""
    known = told_surroundings(case, release, at)
    context = cast("Mapping[str, object]", case.get("context") or {})
    return Question(context, case.get("subject"), at, kind=release.kind, surround=lambda _subject: known)


def told_surroundings(told: JsonObject, release: Release, at: float) -> Surroundings:
    """What a device knows of a subject, as golden cases tell it: `consent`, `history`, `signals` and `traits`."""
    return Surroundings(
        granted=release.terms.granted | purposes_mask(cast("list[str]", told.get("consent") or ())),
        history=_Recalled(told, release),
        signals={name: Signal(value, at) for name, value in cast("JsonObject", told.get("signals") or {}).items()},
        traits=cast("JsonObject", told.get("traits") or {}),
    )


class _Recalled:
    """The history that is told: everything in it happened to the subject on this device."""

    def __init__(self, told: JsonObject, release: Release) -> None:
        self._happened = cast("list[JsonObject]", told.get("history") or ())
        self._release = release
        self._ledgers: dict[str, Ledger] = {}

    def recall(self, owner: str) -> Ledger:
        """The ledger of the subject, or of the device: both saw the same."""
        if owner not in self._ledgers:
            self._ledgers[owner] = self._told()
        return self._ledgers[owner]

    def _told(self) -> Ledger:
        from nearwise_rules.history import Ledger

        release = self._release
        ledger = Ledger(release.catalogue.calendar)
        for each in self._happened:
            at = instant(str(each["at"]), release.zone)
            properties = cast("Mapping[str, object]", each.get("properties") or {})
            release.remembers.record(ledger, str(each["event"]), properties, float(str(each.get("value") or 0)), at)
        return ledger


def instant(text: str, zone: str) -> float:
    """Unix seconds of an ISO 8601 time; one without an offset is in `zone` (an IANA name).

    Raises:
        ValueError: not an ISO 8601 time, or a zone that is not known here.
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def is_same(expected: object, got: object) -> bool:
    """Whether two values are the same in JSON: 1 is 1.0, but not true."""
    return expected == got and isinstance(expected, bool) is isinstance(got, bool)


def _got(decision: Decision, name: str) -> object:
    if name == "items":
        return decision.keys
    return {"variant": decision.variant, "value": decision.value, "reason": decision.reason.value}[name]


def _because(decision: Decision) -> str:
    code = f", {decision.error_code.value}" if decision.error_code else ""
    rule = f" by rule {decision.rule}" if decision.rule else ""
    return f"{decision.reason.value}{rule}{code}"
