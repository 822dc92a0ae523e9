"""Bundle generations on disk: the newest good one decides, a damaged one is set aside.

bundles/0000000041-5d3f0a9c1b2e4f60.bundle    as received, or as rebuilt from a delta; three are kept
bundles/accepted.json                         the newest version ever accepted: nothing older is taken again
bundles/damaged/                              what could not be used, for diagnosis
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from nearwise.files import pack_record, read_record, read_whole, write_whole
from nearwise_rules import Accepted, BundleRefused, open_bundle

if TYPE_CHECKING:
    from nearwise_rules import Bundle, BundleLimits, Trust

GENERATIONS = 3
_DAMAGED_KEPT = 3
_SUFFIX = ".bundle"


class Generations:
    """The generations of one storage folder."""

    def __init__(self, folder: str, trust: Trust, limits: BundleLimits) -> None:
        self._folder = folder
        self._trust = trust
        self._limits = limits
        self.damaged: list[str] = []

    def good(self) -> Iterator[Bundle]:
        """Those that verify, the newest first. Those before them that do not are set aside and named in `damaged`."""
        for name in self._names():
            content = read_whole(os.path.join(self._folder, name), self._limits.max_bundle_bytes)
            try:
                bundle = None if content is None else open_bundle(content, self._trust, self._limits)
            except BundleRefused as refused:
                self._set_aside(name, str(refused))
                continue
            if bundle is None:
                self._set_aside(name, "cannot be read")
            else:
                yield bundle

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        return sorted((name for name in names if name.endswith(_SUFFIX)), reverse=True)

    def keep(self, bundle: Bundle, packed: bytes) -> None:
        """Put a verified bundle on disk, synced, and delete what is older than the third generation.

        Raises:
            OSError: the disk refused; the older generations still stand.
        """
        manifest = bundle.manifest
        name = f"{manifest.version:010d}-{manifest.root[:16]}{_SUFFIX}"
        write_whole(os.path.join(self._folder, name), packed, durable=True)
        for old in self._names()[GENERATIONS:]:
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, old))

    def accepted(self) -> Accepted | None:
        """What was remembered last; None on a first start, or when it is damaged."""
        content = read_whole(os.path.join(self._folder, "accepted.json"), 4096)
        try:
            fields = read_record(content)
            return Accepted(
                int(cast("int", fields["version"])), str(fields["root"]), float(cast("float", fields["time"]))
            )
        except (ValueError, TypeError, KeyError):
            return None

    def remember(self, accepted: Accepted) -> None:
        """Remember the newest accepted version, synced.

        Raises:
            OSError: the disk refused.
        """
        fields = {"format": 1, "version": accepted.version, "root": accepted.root, "time": accepted.time}
        write_whole(os.path.join(self._folder, "accepted.json"), pack_record(fields), durable=True)

    def _set_aside(self, name: str, why: str) -> None:
        self.damaged.append(f"{name}: {why}")
        folder = os.path.join(self._folder, "damaged")
        with suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            os.replace(os.path.join(self._folder, name), os.path.join(folder, name))
            for old in sorted(os.listdir(folder))[:-_DAMAGED_KEPT]:
                os.unlink(os.path.join(folder, old))
