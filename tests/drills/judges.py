"""What each kind of hostile input must meet: a refusal that says why, or a harmless acceptance. Never anything else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from nearwise_rules import (
    Accepted,
    Bundle,
    BundleRefused,
    Decision,
    DocumentError,
    EvaluationError,
    Release,
    Run,
    accept,
    apply_delta,
    decode_batch,
    interpret,
    open_bundle,
    open_manifest,
    parse_text,
)
from nearwise_rules.logic import compile_expression
from tests.drills.batches import hostile_batch
from tests.drills.bundles import BUNDLES, CONTEXT, DELTAS, MANIFESTS, Forge
from tests.drills.rules import hostile_context, hostile_rule

NOW = 1_750_000_100.0
LONGEST_MESSAGE = 100_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused` with the reason as a code, or accepted (`reason` empty): harmless content that happened to be valid."""

    refused: bool
    reason: str = ""


Judge = Callable[[], Verdict]
"""Meets one input, made ready before, and says what became of it."""


class Unclear(AssertionError):
    """A refusal that does not say what is wrong, or an acceptance that is not harmless."""


class Device:
    """A device with one good bundle, which goes on serving whatever arrives."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.trust = forge.trust
        self.release = Release(forge.bundle)
        self.accepted = Accepted(forge.bundle.manifest.version, forge.bundle.manifest.root, NOW)

    def bundle(self, rng: random.Random) -> Judge:
        """A whole bundle is refused, or it is truly signed; then its flags answer or say what is wrong with them."""
        payload = rng.choice(BUNDLES)(self.forge, rng)
        return self._opened(lambda: open_bundle(payload, self.trust))

    def delta(self, rng: random.Random) -> Judge:
        """A delta either gives the signed target to the byte, or is refused."""
        payload = rng.choice(DELTAS)(self.forge, rng)
        return self._opened(lambda: apply_delta(self.forge.bundle, payload, self.forge.next_envelope, self.trust))

    def manifest(self, rng: random.Random) -> Judge:
        """A manifest is refused, or it is truly signed and its acceptance is decided."""
        payload = rng.choice(MANIFESTS)(self.forge, rng)

        def judge() -> None:
            manifest = open_manifest(payload, self.trust)
            accept(self.accepted, manifest, now=NOW, sdk_version="0.1.0", trust=self.trust)

        return lambda: refusal(judge)

    def still_serves(self) -> bool:
        """Whether the good bundle still answers as before."""
        decision = self.release.decide("flag-0", CONTEXT, "m-1", NOW)
        return decision.value == "on" and decision.error_code is None

    def _opened(self, open_it: Callable[[], Bundle]) -> Judge:
        def judge() -> None:
            bundle = open_it()
            accept(None, bundle.manifest, now=NOW, sdk_version="0.1.0", trust=self.trust)
            release = Release(bundle)
            for key in release.flag_keys[-2:]:
                _settled(release.decide(key, CONTEXT, "m-1", NOW))

        return lambda: refusal(judge)


def _settled(decision: Decision) -> None:
    if decision.variant is None and decision.error_code is None:
        raise Unclear(f"{decision!r} has neither a variant nor an error code")


def batch(rng: random.Random) -> Judge:
    """A batch is refused whole, or every bad event of it is rejected with a reason."""
    payload = hostile_batch(rng)

    def judge() -> None:
        for event in decode_batch(payload).events:
            reason = getattr(event, "reason", None)
            if reason is not None and not str(reason).strip():
                raise Unclear(f"event {event.index} was rejected without a reason")

    return lambda: refusal(judge)


def rule(rng: random.Random) -> Judge:
    """A rule is refused with its problems, or evaluates within its budget, interpreted and compiled alike."""
    payload, context = hostile_rule(rng), hostile_context(rng)

    def judge() -> None:
        expression = parse_text(payload)
        compiled = compile_expression(expression)
        evaluations: tuple[Callable[[], object], ...] = (
            lambda: interpret(expression, context, Run(now=NOW)),
            lambda: compiled(context, Run(now=NOW)),
        )
        for evaluate in evaluations:
            try:
                evaluate()
            except EvaluationError as error:
                _clear(str(error))

    return lambda: refusal(judge)


def refusal(judge: Callable[[], None]) -> Verdict:
    """What `judge` came to. Any exception but a documented refusal passes through: that is what the drill looks for."""
    try:
        judge()
    except BundleRefused as refused:
        _clear(str(refused))
        return Verdict(True, refused.reason.value)
    except DocumentError as refused:
        if not refused.problems:
            raise Unclear("refused without a problem") from refused
        for problem in refused.problems:
            _clear(problem.message)
        return Verdict(True, refused.problems[0].code)
    return Verdict(False)


def _clear(message: str) -> None:
    if not message.strip() or "Traceback" in message or len(message) > LONGEST_MESSAGE:
        raise Unclear(f"not a clear message: {message[:200]!r}")
