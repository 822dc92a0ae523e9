"""Settings: what cannot work is refused when they are made."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise import Settings, SettingsInvalid


def test_the_defaults_are_good_and_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(AttributeError, match="frozen"):
        settings.poll_seconds = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "wrong",
    [
        {"poll_seconds": 0},
        {"commit_seconds": -1},
        {"send_seconds": float("nan")},
        {"request_seconds": float("inf")},
        {"jitter": 1},
        {"jitter": -0.1},
        {"batch_events": 0},
        {"event_bytes": 1024, "outbox_bytes": 1024},
        {"device": ""},
        {"device": "till 7"},
        {"device": "x" * 129},
    ],
    ids=str,
)
def test_a_value_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid):
        Settings(**wrong)


def test_settings_are_equal_by_content_and_show_it() -> None:
    assert Settings(poll_seconds=5) == Settings(poll_seconds=5) != Settings()
    assert len({Settings(poll_seconds=5), Settings(poll_seconds=5)}) == 1
    assert "poll_seconds=5" in repr(Settings(poll_seconds=5))


def test_an_unknown_setting_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="pol_seconds"):
        Settings(pol_seconds=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
