"""What a client does by itself with the server: ask for bundles, count exposures, send batches, each when it is due."""

from __future__ import annotations

from collections.abc import Callable
from random import random
from time import monotonic
from typing import TYPE_CHECKING

from nearwise.duties import Duties, Report
from nearwise.errors import NearwiseError
from nearwise.notices import KeyNotices
from nearwise.outbox.batches import BatchLimits
from nearwise.polling import CallFailed, KeyRefused, Poller
from nearwise.retries import Backoff
from nearwise.sending import Sender
from nearwise.states import Sending
from nearwise.transport import Transport, TransportFailed
from nearwise.version import __version__
from nearwise_rules import BundleRefused

if TYPE_CHECKING:
    from nearwise.trait_calls import TraitCalls
    from nearwise.traits import Traits

_NEVER = float("inf")
_TAKEN = frozenset({304, 404})
"""Answers to a poll that bring nothing, and that only a good key gets."""
_AT_ONCE = 20
"""Batches sent before the other duties have their turn."""


class Synchronizer:
    """Does what is due, one `tick` after the other. `clock` is monotonic seconds."""

    def __init__(
        self,
        duties: Duties,
        report: Report,
        clock: Callable[[], float] = monotonic,
        draw: Callable[[], float] = random,
    ) -> None:
        self.report = report
        self._duties = duties
        self._settings = duties.settings
        self._clock = clock
        self._draw = draw
        self._polls = Backoff(self._settings, draw)
        self._sends = Backoff(self._settings, draw)
        self._notices = KeyNotices()
        self._transport: Transport | None = None
        self._poller: Poller | None = None
        self._sender: Sender | None = None
        self._trait_calls: TraitCalls | None = None
        self._plan(clock())

    def _plan(self, now: float) -> None:
        online = self._duties.transport is not None
        self._summary_at = self._send_at = self._poll_at = _NEVER
        if online:
            ready = self._duties.shelf.bundle is not None
            self._poll_at = now + (self._draw() * min(self._settings.poll_seconds, 1.0) + 0.1 if ready else 0.0)
            if self._duties.outbox.figures().queued:
                self._send_at = now + 0.1 + self._draw() * min(self._settings.send_seconds, 1.0)

    def tick(self) -> float:
        """Do what is due; the seconds until something is due again. Never raises."""
        noticed = self._duties.noticed
        noticed_in = _NEVER if noticed is None else noticed.collectors.tick()
        now = self._clock()
        duties, settings = self._duties, self._settings
        if duties.exposures.counting and self._summary_at == _NEVER:
            self._summary_at = now + settings.summary_seconds
        if now >= self._summary_at:
            self._summary_at = _NEVER
            duties.exposures.flush()
        if now >= self._poll_at:
            self._poll()
        if now >= self._send_at:
            self._send()
        if noticed is not None:
            noticed_in = min(noticed_in, self._ask_for_traits(noticed.traits))
        due = min(self._summary_at, self._poll_at, self._send_at)
        return max(min(due - self._clock(), noticed_in), 0.0)

    def _ask_for_traits(self, traits: Traits) -> float:
        traits.sweep()
        if self._duties.transport is None:
            return _NEVER
        if self._trait_calls is None:
            if traits.due_in() == _NEVER:
                return _NEVER
            from nearwise.trait_calls import Line, TraitCalls

            line = Line(self._connection, self._identity, self._heard, self._complain)
            self._trait_calls = TraitCalls(traits, line, Backoff(self._settings, self._draw), self._clock)
        return self._trait_calls.tick()

    def hurry(self) -> None:
        """Send what is there with the next `tick`, also during a back-off."""
        self._duties.exposures.flush()
        if self.report.sending is Sending.ON:
            self._send_at = self._clock()

    def committed(self) -> None:
        """Events were synced to the disk: make room for the next, and plan to send these."""
        outbox = self._duties.outbox
        outbox.prepare()
        if self.report.sending is Sending.ON and self._send_at == _NEVER:
            full = outbox.figures().queued >= self._settings.batch_events
            self._send_at = self._clock() + (0.0 if full else self._varied(self._settings.send_seconds))

    def _poll(self) -> None:
        try:
            self._poller_now().poll()
        except CallFailed as failed:
            self._heard()
            self._poll_at = self._clock() + self._after_failure(self._polls, failed)
            self._complain(failed)
            if isinstance(failed, KeyRefused):
                self._notices.refused("poll", failed)
            elif failed.status in _TAKEN:
                self._resume()
            return
        except BundleRefused as refused:
            self._heard()
            self._polls.succeeded()
            self._complain(refused)
            self._resume()
        except Exception as error:  # noqa: BLE001  the thread outlives whatever a network can give
            self._complain(error)
            self._poll_at = self._clock() + self._polls.failed()
            return
        else:
            self._heard()
            self._polls.succeeded()
            self.report.last_error = None
            self._resume()
            self._ask_for_receipts()
        if self._poller is not None and self._poller.downloaded:
            self.report.last_download = self._settings.clock()
        self._poll_at = self._clock() + self._varied(self._settings.poll_seconds)

    def _ask_for_receipts(self) -> None:
        subjects = self._duties.subjects
        if subjects is None or not subjects.journal.unanswered():
            return
        from nearwise.receipts import Receipts

        try:
            Receipts(self._connection(), subjects.journal, self._identity()).ask()
        except Exception as error:  # noqa: BLE001  the thread outlives whatever a network can give
            self._complain(error)

    def _after_failure(self, backoff: Backoff, failed: CallFailed) -> float:
        if failed.status == 404:  # nothing is published yet: no reason to slow down
            return self._varied(self._settings.poll_seconds)
        return backoff.failed(failed.retry_after)

    def _resume(self) -> None:
        """The key is good for asking: what was kept for want of it may go too, or is refused once more."""
        self._notices.taken("poll")
        if self.report.sending is Sending.STOPPED:
            self.report.sending = Sending.ON
            self._send_at = self._clock()

    def _send(self) -> None:
        self._send_at = _NEVER
        try:
            if self._duties.subjects is not None:
                self._duties.subjects.resume()
            for _ in range(_AT_ONCE):
                if not self._sender_now().send(self._identity()):
                    self._sends.succeeded()
                    return
                self._heard()
                self._sends.succeeded()
                self._notices.taken("batch")
                self.report.last_sent = self._settings.clock()
            self._send_at = self._clock()
        except KeyRefused as refused:
            self._heard()
            self.report.sending = Sending.STOPPED
            self._complain(refused)
            self._notices.refused("batch", refused)
        except CallFailed as failed:
            self._heard()
            self._complain(failed)
            self._send_at = self._clock() + self._sends.failed(failed.retry_after)
        except Exception as error:  # noqa: BLE001  the thread outlives whatever a network can give
            self._complain(error)
            self._send_at = self._clock() + self._sends.failed()

    def _heard(self) -> None:
        self.report.last_request = self._settings.clock()
        self._tell_connected(True)

    def _tell_connected(self, online: bool) -> None:
        if self._duties.noticed is not None:
            self._duties.noticed.collectors.connected(online)

    def _complain(self, error: Exception) -> None:
        self.report.last_error = f"{type(error).__name__}: {error}"
        if isinstance(error, TransportFailed):
            self._tell_connected(False)

    def _varied(self, seconds: float) -> float:
        return seconds * (1 + self._settings.jitter * (2 * self._draw() - 1))

    def _identity(self) -> dict[str, str]:
        duties = self._duties
        return {
            "Nearwise-Device": duties.device,
            "Nearwise-SDK": __version__,
            "Nearwise-Bundle": str(duties.shelf.version),
        }

    def _connection(self) -> Transport:
        if self._transport is None:
            if self._duties.transport is None:
                raise NearwiseError("this client has no server")
            self._transport = self._duties.transport()
        return self._transport

    def _poller_now(self) -> Poller:
        if self._poller is None:
            self._poller = Poller(self._connection(), self._duties.shelf, self._identity())
        return self._poller

    def _sender_now(self) -> Sender:
        if self._sender is None:
            limits = BatchLimits(self._settings.batch_events, self._settings.batch_bytes)
            self._sender = Sender(
                self._connection(), self._duties.outbox, self._duties.device, limits, self._settings.clock
            )
        return self._sender

    def close(self) -> None:
        """Give connections back."""
        if self._transport is not None:
            self._transport.close()
