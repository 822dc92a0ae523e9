"""Settings: read from the environment in one place, refused when they cannot work."""

from __future__ import annotations

import pytest

from nearwise_server.errors import SettingsInvalid
from nearwise_server.settings import Settings, settings_from


def test_variables_fill_settings_and_given_values_win() -> None:
    environment = {"NEARWISE_DATA": "/srv", "NEARWISE_PORT": "9000", "NEARWISE_BUNDLE_LIFETIME_SECONDS": "60.5"}
    settings = settings_from(environment, port=9001, host=None)
    assert (settings.data, settings.port, settings.host) == ("/srv", 9001, "127.0.0.1")
    assert settings.bundle_lifetime_seconds == 60.5


def test_the_signing_key_file_can_be_named_by_a_variable() -> None:
    settings = settings_from({"NEARWISE_SIGNING_KEY_FILE": "/run/secrets/key"}, data="/srv")
    assert settings.path_of_signing_key == "/run/secrets/key"


def test_the_defaults_live_in_the_data_folder() -> None:
    settings = Settings(data="/srv")
    assert settings.path_of_signing_key == "/srv/signing.key"
    assert settings.url_of_database == "sqlite:////srv/nearwise.sqlite3"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("True", True), ("0", False), ("false", False)])
def test_a_switch_is_true_or_false(text: str, value: bool) -> None:
    settings = settings_from({"NEARWISE_WEBHOOK_PRIVATE_NETWORKS": text}, data="/srv")
    assert settings.webhook_private_networks is value
    assert settings.webhook_plain_http is False


@pytest.mark.parametrize(
    ("environment", "given"),
    [
        ({}, {}),
        ({"NEARWISE_PORT": "http"}, {"data": "/srv"}),
        ({}, {"data": "/srv", "port": 70_000}),
        ({}, {"data": "/srv", "batch_bytes": 0}),
        ({}, {"data": "/srv", "tenant": "a tenant"}),
        ({"NEARWISE_BODY_SECONDS": "nan"}, {"data": "/srv"}),
        ({"NEARWISE_REFRESH_SECONDS": "inf"}, {"data": "/srv"}),
        ({"NEARWISE_BUNDLE_LIFETIME_SECONDS": "-inf"}, {"data": "/srv"}),
        ({}, {"data": "/srv", "key_cache_seconds": float("inf")}),
        ({"NEARWISE_WEBHOOK_PLAIN_HTTP": "maybe"}, {"data": "/srv"}),
    ],
)
def test_a_value_that_cannot_work_is_refused(environment: dict[str, str], given: dict[str, object]) -> None:
    with pytest.raises(SettingsInvalid):
        settings_from(environment, **given)
