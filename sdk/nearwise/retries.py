"""When to try again: exponential back-off with full jitter, and a server's Retry-After."""

from __future__ import annotations

from collections.abc import Callable

from nearwise.settings import Settings


class Backoff:
    """Waiting times after failures in a row. `random` gives a number from 0 up to 1."""

    def __init__(self, settings: Settings, random: Callable[[], float]) -> None:
        self._settings = settings
        self._random = random
        self._failures = 0

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0

    def failed(self, retry_after: str | None = None) -> float:
        """Seconds to wait after one more failure; `retry_after` is the header's text."""
        settings = self._settings
        most = min(settings.retry_first_seconds * 2.0 ** min(self._failures, 30), settings.retry_most_seconds)
        self._failures += 1
        asked = _seconds(retry_after)
        if asked is None:
            return self._random() * most
        return min(asked, settings.retry_after_most_seconds) + self._random() * settings.retry_first_seconds


def _seconds(retry_after: str | None) -> float | None:
    """The delay of a Retry-After header (RFC 9110 section 10.2.3): only the form in seconds, as our server sends it."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return float(retry_after.strip()[:9])
