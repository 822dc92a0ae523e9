"""Back-off: full jitter, growing to a bound, and a server's Retry-After honoured up to a bound."""

from __future__ import annotations

from nearwise import Settings
from nearwise.retries import Backoff

SETTINGS = Settings(retry_first_seconds=1, retry_most_seconds=10, retry_after_most_seconds=100)


def test_waits_double_up_to_the_most_and_start_over_after_a_success() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    assert [backoff.failed() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.succeeded()
    assert backoff.failed() == 1


def test_the_whole_wait_is_random() -> None:
    assert Backoff(SETTINGS, lambda: 0.0).failed() == 0
    assert Backoff(SETTINGS, lambda: 0.25).failed() == 0.25


def test_retry_after_in_seconds_is_honoured_up_to_the_most() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.5)
    assert backoff.failed("7") == 7.5
    assert backoff.failed(" 5000 ") == 100.5
    assert backoff.failed("99999999999999999999") == 100.5


def test_a_retry_after_that_is_no_number_counts_as_none() -> None:
    for text in ("soon", "-5", "1.5", "", "Wed, 21 Oct 2026 07:28:00 GMT"):
        assert Backoff(SETTINGS, lambda: 1.0).failed(text) == 1
