"""What devices poll, from memory: per environment the newest bundle, and what was asked for lately of older ones."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from nearwise_rules import Bundle, Entry, RulesError, Trust, open_bundle, pack_bundle, pack_delta
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.bundles import (
    BundleRow,
    bundle_of_root,
    bundle_of_version,
    content_of,
    entries_of_digests,
    newest_versions,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """One version as devices get it: every body is made once, when it is published or loaded.

    `traits` are the attributes whose values devices fetch from here.
    """

    environment: str
    bundle: Bundle
    body: bytes
    body_gzip: bytes
    names: Mapping[str, tuple[str, str]]
    etag: str
    traits: frozenset[str]

    @property
    def version(self) -> int:
        """The version within the environment."""
        return self.bundle.manifest.version

    @property
    def root(self) -> str:
        """The root hash of the content."""
        return self.bundle.manifest.root

    def entry(self, digest: str) -> Entry | None:
        """An entry of this version by its digest."""
        name = self.names.get(digest)
        body = None if name is None else self.bundle.entry(*name)
        return None if name is None or body is None else Entry(*name, body)


def prepare(environment: str, envelope: bytes, content: Iterable[Entry], trust: Trust) -> Published:
    """Pack a version and open it again as a device would.

    Raises:
        RulesError: a device would refuse it.
    """
    body = pack_bundle(envelope, content)
    bundle = open_bundle(body, trust)
    names = {digest: name for name, digest in bundle.index.items()}
    etag = f'"{bundle.manifest.version}-{bundle.manifest.root[:16]}"'
    return Published(environment, bundle, body, gzip.compress(body, 9, mtime=0), names, etag, _traits_of(bundle))


def _traits_of(bundle: Bundle) -> frozenset[str]:
    bodies = {name: json.loads(bundle.entry("attribute", name) or b"{}") for name in bundle.keys("attribute")}
    return frozenset(name for name, body in bodies.items() if body.get("source") == "trait")


class Catalogue:
    """Readers take what is there without a lock; an activation swaps one value. Other methods block: use a thread."""

    def __init__(self, database: Database, trust: Trust, settings: Settings) -> None:
        self._database = database
        self._trust = trust
        self._newest: dict[str, Published] = {}
        self._lock = threading.Lock()
        self._making = threading.Lock()  # a fleet that asks for the same at once makes work for one thread
        self._older: LRUCache[tuple[str, str], Published] = LRUCache(settings.bundle_cache_rows)
        self._deltas: LRUCache[tuple[str, str, str], bytes | None] = LRUCache(settings.delta_cache_rows)

    def newest(self, environment: str) -> Published | None:
        """What devices of an environment should run."""
        return self._newest.get(environment)

    def all_newest(self) -> tuple[Published, ...]:
        """The newest version of every environment."""
        return tuple(self._newest.values())

    def activate(self, published: Published) -> None:
        """Serve this version from now on, unless a newer one is served already."""
        with self._lock:
            current = self._newest.get(published.environment)
            if current is None or current.version < published.version:
                self._newest = {**self._newest, published.environment: published}
                if current is not None:  # the base of the deltas that every device is about to ask for
                    self._older[current.environment, current.root] = current

    def refresh(self) -> Mapping[str, RulesError]:
        """Load what other processes, or an earlier run, have published; why, for environments that cannot be read."""
        with self._database.reading() as connection:
            versions = newest_versions(connection)
        unreadable: dict[str, RulesError] = {}
        for environment, version in versions.items():
            try:
                self._refresh_environment(environment, version)
            except RulesError as error:
                _log.warning("version %d of %s cannot be read: %s", version, environment, type(error).__name__)
                unreadable[environment] = error
        return unreadable

    def _refresh_environment(self, environment: str, version: int) -> None:
        current = self._newest.get(environment)
        if current is None or current.version < version:
            published = self._load(environment, version=version)
            if published is not None:
                self.activate(published)

    def of_root(self, environment: str, root: str) -> Published | None:
        """The newest version with this content."""
        held = self._held(environment, root)
        if held is not None:
            return held
        with self._making:
            held = self._held(environment, root)  # a caller that waited here finds what the one before it has loaded
            return self._load_older(environment, root) if held is None else held

    def _held(self, environment: str, root: str) -> Published | None:
        newest = self._newest.get(environment)
        if newest is not None and newest.root == root:
            return newest
        with self._lock:
            return self._older.get((environment, root))

    def _load_older(self, environment: str, root: str) -> Published | None:
        published = self._load(environment, root=root)
        if published is not None:
            with self._lock:
                self._older[environment, root] = published
        return published

    def delta(self, environment: str, base: str, target: str) -> bytes | None:
        """The way from one content to another; None when one is unknown or fetching the whole is better."""
        name = (environment, base, target)
        with self._lock:
            if name in self._deltas:
                return self._deltas[name]
        old, new = self.of_root(environment, base), self.of_root(environment, target)
        if old is None or new is None:
            return None
        with self._making:
            with self._lock:
                if name in self._deltas:
                    return self._deltas[name]
            delta = pack_delta(old.bundle, new.bundle)
            with self._lock:
                self._deltas[name] = delta
            return delta

    def entries(self, environment: str, digests: Iterable[str]) -> dict[str, Entry]:
        """Those entries that the environment has or had, by digest."""
        wanted = set(digests)
        newest = self._newest.get(environment)
        found = {digest: entry for digest in wanted if newest and (entry := newest.entry(digest)) is not None}
        if len(found) < len(wanted):
            with self._database.reading() as connection:
                found |= entries_of_digests(connection, environment, wanted - found.keys())
        return found

    def _load(self, environment: str, *, version: int | None = None, root: str = "") -> Published | None:
        with self._database.reading() as connection:
            row: BundleRow | None
            if version is not None:
                row = bundle_of_version(connection, environment, version)
            else:
                row = bundle_of_root(connection, environment, root)
            content = [] if row is None else content_of(connection, row)
        return None if row is None else prepare(environment, row.envelope, content, self._trust)
