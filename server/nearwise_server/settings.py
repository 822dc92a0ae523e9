"""All settings of a server in one frozen value. The environment is read in one function, `settings_from`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from nearwise_server.errors import SettingsInvalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SWITCH = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one server runs. Only `data` must be given.

    data: folder for the SQLite file and the signing key, made on first use.
    database_url: where things are kept; None is a SQLite file in `data`; `postgresql://...` is PostgreSQL.
    signing_key_file: file of the private signing key; None is `signing.key` in `data`, made on first use.
    tenant, audience: written into every manifest; devices pin them.
    bundle_lifetime_seconds: a manifest expires so long after publishing; None never.
    min_sdk: the oldest SDK that may activate what is published.
    webhook_plain_http: channels may have http:// addresses, for development; loopback may always.
    webhook_private_networks: channels may have addresses in private networks.
    subject_bytes, subject_traits, subject_depth: the traits of one subject, as JSON.
    subjects_bytes, subjects_per_request: one request that writes the traits of many.
    compaction_seconds: after erasures the database is compacted, at most once in this time.
    """

    data: str
    host: str = "127.0.0.1"
    port: int = 8700
    database_url: str | None = None
    signing_key_file: str | None = None
    tenant: str = "default"
    audience: str = "devices"
    bundle_lifetime_seconds: float | None = None
    min_sdk: str = "0.1.0"
    # What one request may send or ask for.
    batch_bytes: int = 512 * 1024
    batch_inflated_bytes: int = 4 * 1024 * 1024
    batch_events: int = 10_000
    publish_bytes: int = 4 * 1024 * 1024
    publish_files: int = 5_000
    digests_per_request: int = 1_000
    subject_bytes: int = 16 * 1024
    subject_traits: int = 200
    subject_depth: int = 8
    subjects_bytes: int = 4 * 1024 * 1024
    subjects_per_request: int = 1_000
    page_rows: int = 1_000
    answer_bytes: int = 8 * 1024 * 1024
    body_seconds: float = 30.0
    # What all requests together may hold.
    bodies_bytes: int = 64 * 1024 * 1024
    queued_batches: int = 4_096
    queued_bytes: int = 32 * 1024 * 1024
    batches_per_commit: int = 256
    decoders: int = 4
    workers: int = 4
    ranges_per_stream: int = 1_000
    retry_after_seconds: int = 5
    # How trigger events are handed to channels.
    webhook_plain_http: bool = False
    webhook_private_networks: bool = False
    webhook_sends: int = 8
    webhook_timeout_seconds: float = 20.0
    webhook_answer_bytes: int = 64 * 1024
    webhook_first_wait_seconds: float = 5.0
    webhook_longest_wait_seconds: float = 4 * 3600.0
    webhook_give_up_seconds: float = 72 * 3600.0
    webhook_kept_seconds: float = 30 * 86_400.0
    webhook_poll_seconds: float = 1.0
    # What stays in memory.
    key_cache_rows: int = 16_384
    key_cache_seconds: float = 30.0
    bundle_cache_rows: int = 16
    delta_cache_rows: int = 256
    summary_groups: int = 10_000
    refresh_seconds: float = 1.0
    sightings_seconds: float = 5.0
    compaction_seconds: float = 3_600.0
    shutdown_seconds: int = 10

    def __post_init__(self) -> None:
        for name in ("tenant", "audience"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise SettingsInvalid(f"{name} must be 1 to 64 letters, digits, '.', '_' or '-'")
        if not 0 <= self.port <= 65_535:
            raise SettingsInvalid(f"port {self.port} is not within 0 and 65535")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "port" or isinstance(value, bool):
                continue
            if isinstance(value, (int, float)) and not 0 < value < math.inf:  # nan is neither
                raise SettingsInvalid(f"{field.name} must be a number above 0")

    @property
    def url_of_database(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{os.path.join(os.path.abspath(self.data), 'nearwise.sqlite3')}"

    @property
    def path_of_signing_key(self) -> str:
        """The signing key's file, with the default filled in."""
        return self.signing_key_file or os.path.join(self.data, "signing.key")


def settings_from(environment: Mapping[str, str], **given: object) -> Settings:
    """Settings from variables named NEARWISE_<SETTING>; what is `given` (and not None) wins over them.

    Raises:
        SettingsInvalid: a value cannot work.
    """
    values: dict[str, object] = {}
    for field in fields(Settings):
        text = environment.get(f"NEARWISE_{field.name.upper()}")
        if text is not None:
            values[field.name] = _value(field.name, str(field.type), text)
    values |= {name: value for name, value in given.items() if value is not None}
    if "data" not in values:
        raise SettingsInvalid("no folder for the data is given")
    return Settings(**values)  # type: ignore[arg-type]  # each value was read by its field's type


def _value(name: str, kind: str, text: str) -> object:
    if kind == "bool":
        if text.lower() not in _SWITCH:
            raise SettingsInvalid(f"NEARWISE_{name.upper()} is neither true nor false")
        return _SWITCH[text.lower()]
    try:
        if kind.startswith("int"):
            return int(text)
        return float(text) if kind.startswith("float") else text
    except ValueError as error:
        raise SettingsInvalid(f"NEARWISE_{name.upper()} is not a number") from error
