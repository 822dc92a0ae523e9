"""References to assets as documents: a place, a digest, a size and a media type that can be true."""

from __future__ import annotations

import re

from nearwise_rules.documents import Asset
from nearwise_rules.rulesets.parts import Part, field_names

MAX_ASSET_BYTES = 64 * 1024 * 1024
LONGEST_PLACE = 1_000

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z0-9-]+/[a-z0-9][a-z0-9.+-]*", re.ASCII)
_ADDRESS = re.compile(r"https://[^\s/]+/\S*", re.ASCII)
_PATH = re.compile(r"[^\s:/\\][^:\\]*")


def check_asset(part: Part) -> None:
    """Report everything wrong with one reference to an asset."""
    part.known_fields(field_names(Asset))
    part.needs(field_names(Asset), "an asset")
    _check_place(part.get("asset"))
    _check_pattern(part.get("sha256"), _DIGEST, "64 lower-case hexadecimal digits, as sha256sum prints them")
    _check_pattern(part.get("type"), _MEDIA_TYPE, "a media type such as image/webp")
    size = part.get("bytes").whole(1)
    if size is not None and size > MAX_ASSET_BYTES:
        part.get("bytes").problem("bad_asset", f"an asset has at most {MAX_ASSET_BYTES:,} bytes")


def _check_place(part: Part) -> None:
    place = part.text()
    if place is None:
        return
    inside = _PATH.fullmatch(place) and place.isprintable() and ".." not in place.split("/")
    if len(place) > LONGEST_PLACE or not (inside or _ADDRESS.fullmatch(place)):
        part.problem("bad_asset", "an asset lies at a path without '..' (img/coffee.webp) or at an https:// address")


def _check_pattern(part: Part, pattern: re.Pattern[str], wanted: str) -> None:
    text = part.text()
    if text is not None and not pattern.fullmatch(text):
        part.problem("bad_asset", f"this is not {wanted}")
