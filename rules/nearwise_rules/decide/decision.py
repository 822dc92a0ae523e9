"""The decision: what was chosen, why, and what can be said about it. A value that never changes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, cast
from zlib import crc32

from nearwise_rules.decide.items import Item
from nearwise_rules.decide.splits import bucket_key
from nearwise_rules.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nearwise_rules.documents import Json
    from nearwise_rules.logic import Diagnostic


class Reason(StrEnum):
    """Why a value was chosen. OpenFeature's names; HOLDOUT and PREREQUISITE_FAILED have none there."""

    STATIC = "STATIC"
    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"
    STALE = "STALE"
    ERROR = "ERROR"
    HOLDOUT = "HOLDOUT"
    PREREQUISITE_FAILED = "PREREQUISITE_FAILED"


class ErrorCode(StrEnum):
    """What kept a decision from being made. OpenFeature's names."""

    PROVIDER_NOT_READY = "PROVIDER_NOT_READY"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    PARSE_ERROR = "PARSE_ERROR"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    GENERAL = "GENERAL"


class Participation(Record):
    """What a declared experiment gave to a subject: a variant, or the `cell` that `variant` names.

    `new`: assigned by this decision (True), earlier (False), or nobody remembers (None). `override`: given to a tester
    by name, so that it never counts.
    """

    __slots__ = ("cell", "experiment", "new", "override", "propensity", "variant")

    experiment: str
    variant: str
    propensity: float | None
    new: bool | None
    cell: Mapping[str, str] | None
    override: bool

    def __init__(
        self,
        experiment: str,
        variant: str,
        propensity: float | None = None,
        *,
        new: bool | None = None,
        cell: Mapping[str, str] | None = None,
        override: bool = False,
    ) -> None:
        self._fix(experiment=experiment, variant=variant, propensity=propensity)
        self._fix(new=new, cell=cell, override=override)


class Outcome:
    """What one rule's one variant answers: everything about a decision that does not depend on the caller.

    Made once when a flag is compiled; every decision that ends there shares it.
    """

    __slots__ = (
        "assignments",
        "bundle_version",
        "dedupe",
        "error_code",
        "experiment",
        "exposures",
        "flag",
        "issued",
        "participation",
        "propensity",
        "reason",
        "rule",
        "value",
        "variant",
    )

    def __init__(
        self,
        flag: str,
        reason: Reason,
        *,
        value: Json = None,
        variant: str | None = None,
        rule: str | None = None,
        experiment: str | None = None,
        propensity: float | None = None,
        bundle_version: int = 0,
        issued: float = 0.0,
        error_code: ErrorCode | None = None,
        exposures: str = "each",
        dedupe: str | None = None,
        participation: Participation | None = None,
    ) -> None:
        self.flag = flag
        self.reason = reason
        self.value = value
        self.variant = variant
        self.rule = rule
        self.experiment = experiment
        self.propensity = propensity
        self.bundle_version = bundle_version
        self.issued = issued
        self.error_code = error_code
        self.exposures = exposures
        self.dedupe = dedupe
        self.participation = participation
        self.assignments: tuple[Participation, ...] = ()
        if participation is not None and participation.new:
            self.assignments = (participation,)

    def remembering(self, assignments: tuple[Participation, ...]) -> Outcome:
        """The same outcome, with these for the device to remember."""
        other = object.__new__(Outcome)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.assignments = assignments
        return other


def decision_id(outcome: Outcome, at: float, subject: object) -> str:
    """Names a decision: bundle version, Unix microseconds and a check sum of key and subject, in hexadecimal."""
    named = f"{outcome.flag}\0{bucket_key(subject)}".encode("utf-8", "surrogatepass")
    return f"{outcome.bundle_version:x}-{round(at * 1e6):x}-{crc32(named):08x}"


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _are_items(value: object) -> bool:
    """Whether a value is what a placement shows; a tuple can also be the default of a caller."""
    if not isinstance(value, tuple):
        return False
    first = next(iter(cast("tuple[object, ...]", value)), None)
    return first is None or isinstance(first, Item)


class Decision(tuple[Outcome, "Json | tuple[Item, ...]", float, object, "tuple[Diagnostic, ...]", object]):
    """The answer to one question: `value, variant, reason, rule, experiment, propensity, bundle_version, age, ...`.

    A tuple underneath, so that it is immutable and made in one step: (outcome, value, at, subject, diagnostics, owner).
    `owner` belongs to the caller that asked (the SDK keeps its context there).
    """

    __slots__ = ()

    item_kind: ClassVar[type[Item]] = Item
    """The class that the items of a placement's decision are made of."""

    def __iter__(self) -> Iterator[Item]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The items that a placement shows; none for a flag."""
        return iter(self.items)

    @property
    def items(self) -> tuple[Item, ...]:
        """What a placement shows, best first; empty for a flag."""
        value: object = self[1]
        return cast("tuple[Item, ...]", value) if _are_items(value) else ()

    @property
    def keys(self) -> list[str]:
        """The keys of the offers that a placement shows, best first; empty for a flag."""
        return [item.key for item in self.items]

    @property
    def outcome(self) -> Outcome:
        """The shared part of this decision."""
        return self[0]

    @property
    def value(self) -> Json:
        """The variant's value, or the caller's default when there is no variant; for a placement a list of contents.

        Objects and lists are copies.
        """
        value = self[1]
        if isinstance(value, tuple):
            return [item.value for item in value] if _are_items(value) else cast("Json", value)
        return _copy(value) if isinstance(value, dict | list) else value

    @property
    def flag(self) -> str:
        """The key that was asked for."""
        return self[0].flag

    @property
    def variant(self) -> str | None:
        """The name of the chosen variant; None when the caller's default was given."""
        return self[0].variant

    @property
    def reason(self) -> Reason:
        """Why this value."""
        return self[0].reason

    @property
    def rule(self) -> str | None:
        """The name of the rule that served; under a holdout, of the rule that would have."""
        return self[0].rule

    @property
    def experiment(self) -> str | None:
        """The experiment that the rule's split belongs to."""
        return self[0].experiment

    @property
    def propensity(self) -> float | None:
        """The share (0-1) with which the split gave this variant, or a multivariate experiment its cell."""
        return self[0].propensity

    @property
    def participation(self) -> Participation | None:
        """What a declared experiment gave; None when none did."""
        return self[0].participation

    @property
    def new(self) -> bool | None:
        """Whether the subject was newly assigned to the experiment; None when that is not remembered."""
        participation = self[0].participation
        return None if participation is None else participation.new

    @property
    def cell(self) -> Mapping[str, str] | None:
        """The level of every factor of a multivariate experiment; None elsewhere."""
        participation = self[0].participation
        return None if participation is None else participation.cell

    @property
    def assignments(self) -> tuple[Participation, ...]:
        """What the device has to remember so that sticky experiments go on giving it, prerequisites' included."""
        return self[0].assignments

    @property
    def bundle_version(self) -> int:
        """The version of the bundle that decided; 0 without a bundle."""
        return self[0].bundle_version

    @property
    def error_code(self) -> ErrorCode | None:
        """What kept the decision from being made, if anything."""
        return self[0].error_code

    @property
    def at(self) -> float:
        """The clock of the decision, Unix seconds."""
        return self[2]

    @property
    def age(self) -> float | None:
        """Seconds between the issue of the bundle and the decision; None without a bundle."""
        return self[2] - self[0].issued if self[0].bundle_version else None

    @property
    def subject(self) -> object:
        """Who the decision is for, as the caller gave it."""
        return self[3]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was odd on the way: a value of the wrong type, a misuse, a spent budget."""
        return self[4]

    @property
    def id(self) -> str:
        """Names this decision: the same bundle, flag, subject and clock give the same id on any machine."""
        return decision_id(self[0], self[2], self[3])

    def __repr__(self) -> str:
        code = f", error_code={self.error_code.value}" if self.error_code else ""
        return f"{type(self).__name__}({self.flag!r}, {self.value!r}, {self.variant!r}, {self.reason.value}{code})"
