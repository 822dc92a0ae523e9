"""What the outcome of a try means for its delivery. No I/O: the time and a random number are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from nearwise_server.settings import Settings
from nearwise_server.store.channels import Channel
from nearwise_server.store.deliveries import DeliveryRow, Settlement, State
from nearwise_server.webhooks.posting import Answer, Failure

_SENT = range(200, 300)
_GONE = 410
_AGAIN = frozenset((408, 425, 429, *range(500, 600)))
_HELD = frozenset((429, 503))
_MOST_DOUBLINGS = 40


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery, and of its channel.

    `gone`: the receiver wants nothing more. `held_ms`: it wants nothing before this time, 0 when it does not say.
    """

    settlement: Settlement
    gone: bool = False
    held_ms: int = 0


class Judge:
    """Judges by the settings: waits double from `webhook_first_wait_seconds` on, with full jitter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def judge(self, row: DeliveryRow, outcome: Answer | Failure, now_ms: int, jitter: float) -> Verdict:
        """The verdict on a try that has ended; `row` is from before it, `jitter` a random number from 0 to 1."""
        if isinstance(outcome, Failure):
            if outcome.final:
                return Verdict(self.dead(row, outcome.reason, now_ms))
            return Verdict(self._again(row, outcome.reason, now_ms, self._wait_ms(row, None, jitter)))
        reason = f"answered {outcome.status}"
        if outcome.status in _SENT:
            return Verdict(self._settled(row, State.SENT, now_ms))
        if outcome.status not in _AGAIN:
            return Verdict(self.dead(row, reason, now_ms), gone=outcome.status == _GONE)
        asked_ms = self._asked_ms(outcome.retry_after, now_ms)
        held_ms = now_ms + asked_ms if asked_ms and outcome.status in _HELD else 0
        return Verdict(self._again(row, reason, now_ms, self._wait_ms(row, asked_ms, jitter)), held_ms=held_ms)

    def without_channel(self, row: DeliveryRow, channel: Channel | None, now_ms: int) -> Settlement:
        """A delivery whose channel does not exist, or is disabled."""
        return self.dead(row, "no channel of this name" if channel is None else "the channel is disabled", now_ms)

    def dead(self, row: DeliveryRow, reason: str, now_ms: int) -> Settlement:
        """A delivery that nobody tries again unless told to."""
        return self._settled(row, State.DEAD, now_ms, reason)

    def interrupted(self, row: DeliveryRow, now_ms: int) -> Settlement:
        """A delivery whose try was broken off by ourselves: it is due at once."""
        return self._again(row, "interrupted", now_ms, 0)

    def _settled(self, row: DeliveryRow, state: State, now_ms: int, reason: str | None = None) -> Settlement:
        removed_ms = now_ms + int(self._settings.webhook_kept_seconds * 1000)
        return Settlement(id=row.id, state=state, changed_ms=now_ms, next_ms=removed_ms, last_error=reason)

    def _again(self, row: DeliveryRow, reason: str, now_ms: int, wait_ms: int) -> Settlement:
        next_ms = now_ms + wait_ms
        if next_ms > row.until_ms:
            return self.dead(row, f"{reason}; given up", now_ms)
        return Settlement(id=row.id, state=State.WAITING, changed_ms=now_ms, next_ms=next_ms, last_error=reason)

    def _wait_ms(self, row: DeliveryRow, asked_ms: int | None, jitter: float) -> int:
        first = self._settings.webhook_first_wait_seconds
        if asked_ms is not None:
            return asked_ms + int(jitter * first * 1000)
        most = min(first * 2.0 ** min(row.tries, _MOST_DOUBLINGS), self._settings.webhook_longest_wait_seconds)
        return int(jitter * most * 1000)

    def _asked_ms(self, retry_after: str | None, now_ms: int) -> int | None:
        """What a Retry-After header asks for (RFC 9110 section 10.2.3), at most the longest wait; None without one."""
        text = (retry_after or "").strip()
        if text.isascii() and text.isdecimal():
            asked_ms = int(text[:9]) * 1000
        else:
            try:
                moment = parsedate_to_datetime(text)
            except ValueError:
                return None
            asked_ms = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000) - now_ms
        return min(max(asked_ms, 0), int(self._settings.webhook_longest_wait_seconds * 1000))
