"""Acceptance: may this verified manifest replace the accepted one, at this time? A table of rules, no I/O.

The caller keeps `Accepted` on disk and hands it in again; that is what makes putting an old bundle back impossible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from nearwise_rules.bundle.manifest import FORMAT, Manifest
from nearwise_rules.bundle.signing import Trust
from nearwise_rules.errors import BundleRefused, Refusal


class Freshness(str, Enum):
    """How an accepted bundle stands to its `expires`."""

    READY = "ready"
    STALE = "stale"
    EXPIRED = "expired"


class Step(str, Enum):
    """What accepting a candidate changes."""

    FIRST = "first"
    SAME = "same"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a device remembers of the newest bundle it ever accepted; `time` is trusted time in Unix seconds."""

    version: int
    root: str
    time: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Yes: what to remember from now on, what changed, and how fresh the bundle is."""

    accepted: Accepted
    step: Step
    freshness: Freshness


def trusted_time(accepted: Accepted | None, issued: float, server_date: float | None = None) -> float:
    """A time that has certainly passed: the latest of the remembered, the signed and the server's. Unix seconds.

    The device's own clock is left out on purpose: it may be reset, and it may run far ahead.
    """
    remembered = accepted.time if accepted is not None else issued
    return max(remembered, issued, server_date if server_date is not None else issued)


def freshness(manifest: Manifest, now: float, clock: float | None = None) -> Freshness:
    """How fresh a bundle is at trusted time `now`; `clock` is what the device's own clock claims (Unix seconds).

    Past `expires` by trusted time a bundle whose grace is `serve` is STALE, any other EXPIRED. When only the
    device's clock says so it is STALE: a clock that runs ahead is reported, it never stops a device.
    """
    if manifest.expires is None:
        return Freshness.READY
    if now >= manifest.expires:
        return Freshness.STALE if manifest.grace == "serve" else Freshness.EXPIRED
    if clock is not None and clock >= manifest.expires:
        return Freshness.STALE
    return Freshness.READY


def accept(current: Accepted | None, candidate: Manifest, *, now: float, sdk_version: str, trust: Trust) -> Acceptance:
    """Decide whether `candidate` may be activated. `now` is trusted time, `sdk_version` the version of this SDK.

    Raises:
        BundleRefused: the first rule of the table that speaks against it.
    """
    question = _Question(current, candidate, now, sdk_version, trust)
    for reason, holds_against, message in _RULES:
        if holds_against(question):
            raise BundleRefused(reason, message.format(q=question))
    time = trusted_time(current, candidate.issued, now)
    step = Step.FIRST if current is None else Step.SAME if current.version == candidate.version else Step.NEWER
    return Acceptance(Accepted(candidate.version, candidate.root, time), step, freshness(candidate, now))


@dataclass(frozen=True, slots=True)
class _Question:
    current: Accepted | None
    candidate: Manifest
    now: float
    sdk: str
    trust: Trust


def _is_older(question: _Question) -> bool:
    current = question.current
    return current is not None and question.candidate.version < current.version


def _is_another_of_that_version(question: _Question) -> bool:
    current, candidate = question.current, question.candidate
    return current is not None and candidate.version == current.version and candidate.root != current.root


def _would_replace_by_expired(question: _Question) -> bool:
    """An expired candidate is still better than nothing, and than itself; past `expires` only `serve` goes on."""
    current, candidate = question.current, question.candidate
    if current is None or candidate.version == current.version:
        return False
    return freshness(candidate, question.now) is Freshness.EXPIRED


def _needs_newer_sdk(question: _Question) -> bool:
    return version_numbers(question.sdk) < version_numbers(question.candidate.min_sdk)


def version_numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version text ("1.10.0rc1" -> (1, 10, 0)), compared as numbers; zeros at the end do not count."""
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


_RULES: tuple[tuple[Refusal, Callable[[_Question], bool], str], ...] = (
    (Refusal.UNSUPPORTED_FORMAT, lambda q: q.candidate.format != FORMAT, "format {q.candidate.format}"),
    (
        Refusal.WRONG_SCOPE,
        lambda q: not q.trust.covers(q.candidate.tenant, q.candidate.environment, q.candidate.audience),
        "meant for {q.candidate.tenant}/{q.candidate.environment}/{q.candidate.audience}",
    ),
    (Refusal.SDK_TOO_OLD, _needs_newer_sdk, "needs SDK {q.candidate.min_sdk}, this is {q.sdk}"),
    (Refusal.ROLLBACK, _is_older, "version {q.candidate.version} is older than {q.current.version}"),
    (Refusal.ROLLBACK, _is_another_of_that_version, "version {q.candidate.version} was accepted with other content"),
    (Refusal.EXPIRED, _would_replace_by_expired, "expired at {q.candidate.expires}"),
)
