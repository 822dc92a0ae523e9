"""API keys: made once, kept hashed, checked in constant time, remembered briefly after a check.

A key's text is `nw1.<scope letter><12 hex digits>.<43 characters of secret>`. The secret has 256 random bits, so one
SHA-256 is enough to keep it. A key belongs to one environment and may be bound to one device name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass

from cachetools import TTLCache
from sqlalchemy import insert, select, update

from nearwise_server.errors import KeyRefused
from nearwise_server.scopes import Scope
from nearwise_server.store import Database
from nearwise_server.store.tables import api_keys

ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
DEVICE_NAME = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_LETTERS = "".join(scope.value[0] for scope in Scope)
_KEY_TEXT = re.compile(rf"nw1\.([{_LETTERS}])([0-9a-f]{{12}})\.([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the server knows it: everything but the secret."""

    key_id: str
    scope: Scope
    environment: str
    device: str | None = None
    note: str = ""
    created_ms: int = 0
    revoked_ms: int | None = None


def make_key(
    database: Database, scope: Scope, environment: str, *, now_ms: int, device: str | None = None, note: str = ""
) -> str:
    """Make and store a key; its text is returned once and kept nowhere.

    Raises:
        KeyRefused: a bad name, or a device name for a key that is not a device's.
    """
    if not ENVIRONMENT_NAME.fullmatch(environment):
        raise KeyRefused("an environment is named by 1 to 64 of a-z, 0-9 and '-'")
    if device is not None and (scope is not Scope.DEVICE or not DEVICE_NAME.fullmatch(device)):
        raise KeyRefused("only a device key has a device, named by 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':' and '-'")
    key_id, secret = secrets.token_hex(6), base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    row = {
        "key_id": key_id,
        "scope": scope.value,
        "environment": environment,
        "device": device,
        "secret_sha256": hashlib.sha256(secret.encode()).digest(),
        "note": note,
        "created_ms": now_ms,
    }
    with database.writing() as connection:
        connection.execute(insert(api_keys), [row])
    return f"nw1.{scope.value[0]}{key_id}.{secret}"


def list_keys(database: Database, environment: str | None = None) -> tuple[ApiKey, ...]:
    """All keys, oldest first, revoked ones too."""
    query = select(api_keys).order_by(api_keys.c.created_ms, api_keys.c.key_id)
    if environment is not None:
        query = query.where(api_keys.c.environment == environment)
    with database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple(_api_key(dict(row)) for row in rows)


def revoke_key(database: Database, key_id: str, *, now_ms: int) -> bool:
    """Revoke a key; False when there is no such live key. Running servers notice within `key_cache_seconds`."""
    live = (api_keys.c.key_id == key_id) & api_keys.c.revoked_ms.is_(None)
    with database.writing() as connection:
        return connection.execute(update(api_keys).where(live).values(revoked_ms=now_ms)).rowcount == 1


class Keyring:
    """Answers which key a text is. Verified texts are remembered by their hash, never as themselves."""

    def __init__(self, database: Database, *, rows: int, seconds: float) -> None:
        self._database = database
        self._verified: TTLCache[bytes, ApiKey] = TTLCache(rows, seconds)  # pyright: ignore[reportAttributeAccessIssue]
        self._lock = threading.Lock()

    def remembered(self, text: str) -> ApiKey | None:
        """The key, if this text was verified a moment ago. Never touches the database."""
        fingerprint = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        with self._lock:
            return self._verified.get(fingerprint)

    def verify(self, text: str) -> ApiKey | None:
        """The live key that this text is, or None."""
        match = _KEY_TEXT.fullmatch(text)
        if match is None:
            return None
        letter, key_id, secret = match.groups()
        with self._database.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).mappings().first()
        expected = row["secret_sha256"] if row else b"\0" * 32
        same = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), expected)
        if row is None or not same or row["revoked_ms"] is not None or row["scope"][0] != letter:
            return None
        key = _api_key(dict(row))
        with self._lock:
            self._verified[hashlib.sha256(text.encode()).digest()] = key
        return key


def _api_key(row: dict[str, object]) -> ApiKey:
    return ApiKey(
        key_id=str(row["key_id"]),
        scope=Scope(str(row["scope"])),
        environment=str(row["environment"]),
        device=None if row["device"] is None else str(row["device"]),
        note=str(row["note"]),
        created_ms=int(str(row["created_ms"])),
        revoked_ms=None if row["revoked_ms"] is None else int(str(row["revoked_ms"])),
    )
