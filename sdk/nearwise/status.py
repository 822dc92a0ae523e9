"""How a client fares, as a value: what decides, how old it is, what the last calls gave, what waits to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from nearwise.states import Sending, Source, State

if TYPE_CHECKING:
    from nearwise.engine import Engine


class TriggerFigures(NamedTuple):
    """How the triggers of a client fare."""

    waiting: int = 0
    """Actions that are not due yet."""
    actions: int = 0
    """Actions that are due and that nobody has taken yet."""
    dropped: Mapping[str, int] = {}
    """Actions given up since the start, by the reason: `cooldown`, `expired`, `consent` ..."""
    problem: str | None = None
    """The last thing that was odd: a value that cannot be used, a callback that raised."""


class Status(NamedTuple):
    """A client at one moment. Times are Unix seconds by the device's clock; None: not yet."""

    state: State
    source: Source
    version: int
    """The version of the bundle that decides; 0 without one."""
    age_seconds: float | None
    """Time since that bundle was issued."""
    device: str
    last_request: float | None = None
    """The last time the server answered anything."""
    last_download: float | None = None
    last_activation: float | None = None
    last_sent: float | None = None
    """The last time the server said that events are stored."""
    last_error: str | None = None
    """What went wrong last, in a sentence; None after a success."""
    refused: str | None = None
    """Why the newest bundle on the server is not the one that decides."""
    damaged: tuple[str, ...] = ()
    """Files that were found damaged and set aside since the start, or that cannot be used."""
    sending: Sending = Sending.OFF
    durable: bool = False
    """Events are kept on disk."""
    queued: int = 0
    """Events that the server has not confirmed."""
    lost: int = 0
    """Events given up for want of space since the start; the server gets a record of each loss."""
    dead: int = 0
    """Events that the server will never take, set aside since the start."""
    outbox_bytes: int = 0
    withheld: int = 0
    """Events not stored since the start, because their subject does not consent to what they are for."""
    triggers: TriggerFigures = TriggerFigures()
    """What waits to be done by triggers, and what was dropped."""
    uncollected: tuple[str, ...] = ()
    """Signals that could not be collected last time, and why."""


def status_of(engine: Engine) -> Status:
    """How the client of this engine fares at this moment."""
    shelf, report = engine.shelf, engine.report
    active, bundle, figures = shelf.active, shelf.bundle, engine.outbox.figures()
    return Status(
        state=shelf.state(),
        source=active.source,
        version=shelf.version,
        age_seconds=None if bundle is None else engine.settings.clock() - bundle.manifest.issued,
        device=engine.device,
        last_request=report.last_request,
        last_download=report.last_download,
        last_activation=active.since,
        last_sent=report.last_sent,
        last_error=report.last_error or engine.failed,
        refused=shelf.refused,
        damaged=_damaged(engine, figures.damaged_bytes),
        sending=report.sending,
        durable=figures.durable,
        queued=figures.queued,
        lost=figures.lost,
        dead=figures.dead,
        outbox_bytes=figures.size_bytes,
        withheld=engine.subjects.gate.withheld,
        triggers=engine.triggers.figures(),
        uncollected=engine.noticed.collectors.failed,
    )


def _damaged(engine: Engine, outbox_bytes: int) -> tuple[str, ...]:
    history = engine.remembering.opened
    kept = None if history is None else history.figures()
    return (
        *engine.shelf.damaged,
        *((f"outbox: {outbox_bytes} bytes could not be read",) if outbox_bytes else ()),
        *engine.subjects.consents.damaged,
        *(() if kept is None else kept.damaged),
        *(() if kept is None or kept.last_error is None else (f"history.db: {kept.last_error}",)),
        *engine.triggers.damaged,
    )
