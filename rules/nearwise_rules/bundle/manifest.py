"""The manifest: the few signed fields that say what a bundle is, for whom, and until when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple, cast

from nearwise_rules.bundle.canonical import canonical_json, load_object
from nearwise_rules.bundle.entries import Entry, root_hash
from nearwise_rules.bundle.limits import BundleLimits
from nearwise_rules.errors import BundleRefused, Refusal

FORMAT = 1
"""The bundle format that this library writes, and the only one that it reads."""

MAX_INTEGER = 2**53 - 1
"""The largest integer of the format: every JSON library carries it exactly."""

Grace = Literal["serve", "safe_only", "stop"]
"""What a device does with a bundle past `expires`."""


class Manifest(NamedTuple):
    """What a publisher signs. Times are Unix seconds; `root` is 64 hex characters; `min_sdk` a version text.

    `root`, `entries` and `size_bytes` are those of the bundle's entries: `covering` fills them in.
    """

    tenant: str
    environment: str
    audience: str
    version: int
    issued: float
    root: str = ""
    entries: int = 0
    size_bytes: int = 0
    expires: float | None = None
    grace: Grace = "serve"
    min_sdk: str = "0"
    root_version: int = 1
    format: int = FORMAT

    @property
    def scope(self) -> str:
        """Tenant, environment and audience in one text, for messages."""
        return f"{self.tenant}/{self.environment}/{self.audience}"

    def covering(self, entries: Collection[Entry]) -> Manifest:
        """This manifest for a bundle of these entries."""
        return self._replace(
            root=root_hash((entry.kind, entry.key, entry.digest) for entry in entries),
            entries=len(entries),
            size_bytes=sum(len(entry.body) for entry in entries),
        )

    def to_payload(self) -> bytes:
        """The canonical JSON that gets signed.

        Raises:
            ValueError: a field has a value that no device would read.
        """
        members = self._asdict()
        wrong = _wrong_members(members)
        if wrong:
            raise ValueError(f"a manifest cannot have this {', '.join(wrong)}")
        return canonical_json(members)

    @classmethod
    def from_payload(cls, payload: bytes, limits: BundleLimits | None = None) -> Manifest:
        """Read a payload whose signature has been verified. Members that format 1 does not know are ignored.

        Raises:
            BundleRefused: MALFORMED, TOO_LARGE or UNSUPPORTED_FORMAT.
        """
        most = (limits or BundleLimits()).max_manifest_bytes
        if len(payload) > most:
            raise BundleRefused(Refusal.TOO_LARGE, f"manifest of {len(payload)} bytes, at most {most}")
        members = load_object(payload, "manifest")
        version = members.get("format")
        if _is_count(version) and version != FORMAT:
            raise BundleRefused(Refusal.UNSUPPORTED_FORMAT, f"manifest format {version}, this SDK reads {FORMAT}")
        wrong = _wrong_members(members)
        if wrong:
            raise BundleRefused(Refusal.MALFORMED, f"manifest lacks a good {', '.join(wrong)}")
        return cls(**{name: members[name] for name in _CHECKS})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 128 and all(map(_is_plain, value))


def _is_plain(character: str) -> bool:
    return " " <= character != "\x7f" and not "\ud800" <= character <= "\udfff"


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= cast("float", value) <= MAX_INTEGER


def _is_root(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "format": _is_count,
    "tenant": _is_name,
    "environment": _is_name,
    "audience": _is_name,
    "version": lambda value: _is_count(value) and value != 0,
    "issued": _is_time,
    "expires": lambda value: value is None or _is_time(value),
    "grace": lambda value: value in ("serve", "safe_only", "stop"),
    "min_sdk": lambda value: _is_name(value) and value != "",
    "root": _is_root,
    "entries": _is_count,
    "size_bytes": _is_count,
    "root_version": _is_count,
}


def _wrong_members(members: Mapping[str, object]) -> list[str]:
    return [name for name, is_good in _CHECKS.items() if name not in members or not is_good(members[name])]
