"""Acceptance: may this verified manifest replace the accepted one, at this time? A table of rules, no I/O.

The caller keeps `Accepted` on disk and hands it in again; that is what makes putting an old bundle back impossible.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from nearwise_rules.bundle.manifest import FORMAT, Manifest
from nearwise_rules.bundle.signing import Trust
from nearwise_rules.errors import BundleRefused, Refusal


class Freshness(StrEnum):
    """How an accepted bundle stands to its `expires`."""

    READY = "ready"
    STALE = "stale"
    EXPIRED = "expired"


class Step(StrEnum):
    """What accepting a candidate changes."""

    FIRST = "first"
    SAME = "same"
    NEWER = "newer"


class Accepted(NamedTuple):
    """What a device remembers of the newest bundle it ever accepted; `time` is trusted time in Unix seconds."""

    version: int
    root: str
    time: float


class Acceptance(NamedTuple):
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
    """Decide whether `candidate`, whose signature is verified, may be activated; `now` is trusted time.

    Raises:
        BundleRefused: the first rule of the table below that speaks against it.
    """
    time = max(now, trusted_time(current, candidate.issued))
    question = _Question(current, candidate, time, sdk_version, trust)
    for reason, speaks_against, message in _RULES:
        if speaks_against(question):
            raise BundleRefused(reason, message.format(q=question, candidate=candidate))
    accepted = Accepted(candidate.version, candidate.root, time)
    return Acceptance(accepted, _step(current, accepted), freshness(candidate, time))


def _step(current: Accepted | None, accepted: Accepted) -> Step:
    if current is None:
        return Step.FIRST
    return Step.SAME if accepted.version == current.version else Step.NEWER


class _Question(NamedTuple):
    current: Accepted | None
    candidate: Manifest
    now: float
    sdk_version: str
    trust: Trust


def _has_another_format(question: _Question) -> bool:
    return question.candidate.format != FORMAT


def _is_meant_for_another(question: _Question) -> bool:
    candidate = question.candidate
    return not question.trust.covers(candidate.tenant, candidate.environment, candidate.audience)


def _needs_newer_sdk(question: _Question) -> bool:
    return version_numbers(question.sdk_version) < version_numbers(question.candidate.min_sdk)


def _is_older(question: _Question) -> bool:
    return question.current is not None and question.candidate.version < question.current.version


def _reuses_the_version(question: _Question) -> bool:
    current, candidate = question.current, question.candidate
    return current is not None and candidate.version == current.version and candidate.root != current.root


def _is_expired_and_newer(question: _Question) -> bool:
    """Expired is still better than nothing, and no reason to drop what is active; but it replaces nothing."""
    current, candidate = question.current, question.candidate
    is_newer = current is not None and candidate.version > current.version
    return is_newer and freshness(candidate, question.now) is Freshness.EXPIRED


_RULES: tuple[tuple[Refusal, Callable[[_Question], bool], str], ...] = (
    (Refusal.UNSUPPORTED_FORMAT, _has_another_format, "format {candidate.format}"),
    (Refusal.WRONG_SCOPE, _is_meant_for_another, "meant for {candidate.scope}"),
    (Refusal.SDK_TOO_OLD, _needs_newer_sdk, "needs SDK {candidate.min_sdk}, this is {q.sdk_version}"),
    (Refusal.ROLLBACK, _is_older, "version {candidate.version} is older than the accepted {q.current.version}"),
    (Refusal.ROLLBACK, _reuses_the_version, "version {candidate.version} was accepted with other content"),
    (Refusal.EXPIRED, _is_expired_and_newer, "version {candidate.version} expired at {candidate.expires:.0f}"),
)


def version_numbers(text: str) -> tuple[int, ...]:
    """The numbers that a version text starts with: "1.10.0rc1" gives (1, 10); zeros at the end do not count."""
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
