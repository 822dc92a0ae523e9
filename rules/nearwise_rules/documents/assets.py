"""Assets: files that offers show, which devices fetch elsewhere and recognise by their digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED


@dataclass(frozen=True)
class Asset:
    """A file: where it lies (a path of the app's, or an https address), its SHA-256, its size and its media type."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    asset: str
    sha256: str
    bytes: int
    type: str
