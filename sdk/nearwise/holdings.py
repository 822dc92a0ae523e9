"""What a client keeps of subjects beside consent and events, each as something that can be erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nearwise.subjects import Holding
from nearwise_rules import ANONYMOUS, PURPOSES, purposes_mask

if TYPE_CHECKING:
    from nearwise.engine import Engine
    from nearwise.exposures import Exposures
    from nearwise.remembering import Remembering
    from nearwise.signals import Signals
    from nearwise.traits import Traits
    from nearwise.triggers import Triggers

_HISTORY = purposes_mask(["store", "profile"])
_TRIGGERS = purposes_mask(["store", "profile", "personalise"])
_TRAITS = purposes_mask(PURPOSES)
"""Each trait has purposes of its own, so that any withdrawal may be about one."""


def holdings_of(engine: Engine) -> tuple[Holding, ...]:
    """Everything of an engine. A forked child has other triggers and exposures: they are looked up each time."""
    return (
        history_holding(engine.remembering),
        trigger_holding(lambda: engine.triggers),
        repeats_holding(lambda: engine.exposures),
        signal_holding(engine.noticed.signals),
        trait_holding(engine.noticed.traits),
    )


def history_holding(remembering: Remembering) -> Holding:
    """Counts, sums, times and sticky assignments."""

    def end_session() -> None:
        if remembering.opened is not None:
            remembering.opened.end_session()

    def join(owner: str) -> None:
        remembering.history.join(ANONYMOUS, owner)

    def forget(owner: str) -> int:
        return remembering.history.forget(owner)

    return Holding("history", _HISTORY, forget, end_session, join)


def trigger_holding(triggers: Callable[[], Triggers]) -> Holding:
    """States of triggers, and actions that wait. `triggers` gives those of this process."""

    def forget(owner: str) -> int:
        before = triggers().figures()
        triggers().forget(owner)
        after = triggers().figures()
        return before.waiting + before.actions - after.waiting - after.actions

    return Holding("triggers", _TRIGGERS, forget, lambda: triggers().forget(None))


def signal_holding(signals: Signals) -> Holding:
    """Signals about the customer in front of the device: they name nobody, so they go with anybody."""
    return Holding("signals", 0, signals.forget, signals.end_session)


def trait_holding(traits: Traits) -> Holding:
    """What the centre said of subjects. After a withdrawal it is asked anew for what is still allowed."""
    return Holding("traits", _TRAITS, traits.forget, traits.end_session)


def repeats_holding(exposures: Callable[[], Exposures]) -> Holding:
    """What was shown lately, so that it is not reported twice. `exposures` gives those of this process."""

    def forget(owner: str) -> int:
        exposures().repeats.forget(owner)
        return 0

    return Holding("repeats", _HISTORY, forget, lambda: exposures().repeats.forget(None))
