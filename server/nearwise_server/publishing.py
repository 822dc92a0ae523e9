"""From the files of a rule set to a signed version that devices get: check, build, sign, store, activate.

Versions of an environment only ever rise. Going back is a new version with the content of an old one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from nearwise_rules import Bundle, Entry, Manifest, Signer, Trust, open_manifest, seal
from nearwise_server.catalogue import Catalogue, Published, prepare
from nearwise_server.demand import Demand, budgets_of, demand_of
from nearwise_server.errors import RequestRefused, RuleSetRefused
from nearwise_server.settings import Settings
from nearwise_server.store import Database
from nearwise_server.store.bundles import BundleRow, add_bundle, bundle_of_version, content_of, newest_version

if TYPE_CHECKING:
    from nearwise_server.authoring import Built

Grace = str
"""What a device does after a bundle's expiry: "serve", "safe_only" or "stop"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Who publishes what. `published_by` is a key id."""

    environment: str
    published_by: str
    note: str = ""
    grace: Grace = "serve"
    content_of: int | None = None


class Publisher:
    """Publishes. Its methods block: call them in a thread."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        signer: Signer,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._signer = signer
        self._settings = settings
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def publish(self, files: Mapping[str, str], publication: Publication) -> Published:
        """Check and build the texts of a rule set, and publish the result.

        Raises:
            RuleSetRefused: the files have problems; nothing changes.
            RulesError: a device would refuse the result, or the newest version cannot be read; nothing changes.
        """
        with self._one_at_a_time:
            while True:
                published = self._publish_after_newest(files, publication)
                if published is not None:
                    return published

    def _publish_after_newest(self, files: Mapping[str, str], publication: Publication) -> Published | None:
        """Build on the newest version, whose shares are carried over; None when another came while this was built."""
        unreadable = self._catalogue.refresh().get(publication.environment)
        if unreadable is not None:
            raise unreadable
        newest = self._catalogue.newest(publication.environment)
        built = self._build(files, None if newest is None else newest.bundle, publication.environment)
        if built.problems:
            raise RuleSetRefused(asdict(problem) for problem in built.problems)
        with self._database.writing() as connection:
            if newest_version(connection, publication.environment) != (0 if newest is None else newest.version):
                return None
            published = self._add(connection, built.entries, replace(publication, grace=built.settings.grace))
        self._catalogue.activate(published)
        return published

    def _build(self, files: Mapping[str, str], previous: Bundle | None, environment: str) -> Built:
        """The built rule set; where offers have budgets, once more with what each device used of them."""
        built = build_rule_set(files, previous)
        budgets = budgets_of(built.entries, int(self._clock() * 1000))
        if built.problems or not budgets:
            return built
        return build_rule_set(files, previous, demand=demand_of(self._database, environment, budgets))

    def publish_entries(self, content: Iterable[Entry], publication: Publication) -> Published:
        """Publish entries that are known to be good.

        Raises:
            RulesError: a device would refuse the result; nothing changes.
        """
        entries = tuple(content)
        with self._database.writing() as connection:
            published = self._add(connection, entries, publication)
        self._catalogue.activate(published)
        return published

    def roll_back(self, to: int, publication: Publication) -> Published:
        """Publish the content of version `to` again.

        Raises:
            RequestRefused: 404, the environment has no such version.
        """
        with self._database.writing() as connection:
            published = self._add_again(connection, to, publication)
        self._catalogue.activate(published)
        return published

    def renew(self) -> None:
        """Publish again, with a later expiry, what has used up half of its time: silence must not stop a device."""
        now = self._clock()
        for published in self._catalogue.all_newest():
            manifest = published.bundle.manifest
            if manifest.expires is not None and now > (manifest.issued + manifest.expires) / 2:
                self._renew(manifest.environment, manifest.version)

    def _renew(self, environment: str, version: int) -> None:
        """What another process has published in the meantime is newer, and stands."""
        publication = Publication(environment=environment, published_by="", note=f"renewal of version {version}")
        with self._database.writing() as connection:
            if newest_version(connection, environment) != version:
                return
            published = self._add_again(connection, version, publication)
        self._catalogue.activate(published)

    def _add_again(self, connection: Connection, version: int, publication: Publication) -> Published:
        """Sign and store the content of an old version as the next one."""
        row = bundle_of_version(connection, publication.environment, version)
        if row is None:
            raise RequestRefused(404, "unknown_version", f"version {version} was never published here")
        grace = open_manifest(row.envelope, trust_of(self._signer)).grace
        again = replace(publication, grace=grace, content_of=version)
        return self._add(connection, tuple(content_of(connection, row)), again)

    def _add(self, connection: Connection, entries: tuple[Entry, ...], publication: Publication) -> Published:
        """Sign and store the next version. What a device would refuse is never stored."""
        environment, now = publication.environment, self._clock()
        manifest = self._manifest(newest_version(connection, environment) + 1, entries, publication, now)
        envelope = seal(manifest.to_payload(), [self._signer])
        published = prepare(environment, envelope, entries, trust_of(self._signer))
        row = BundleRow(
            environment=environment,
            version=manifest.version,
            root=manifest.root,
            envelope=envelope,
            entries=manifest.entries,
            size_bytes=manifest.size_bytes,
            note=publication.note,
            published_by=publication.published_by,
            published_ms=int(now * 1000),
            content_of=publication.content_of,
        )
        add_bundle(connection, row, entries)
        return published

    def _manifest(self, version: int, entries: tuple[Entry, ...], publication: Publication, now: float) -> Manifest:
        lifetime = self._settings.bundle_lifetime_seconds
        return Manifest(
            tenant=self._settings.tenant,
            environment=publication.environment,
            audience=self._settings.audience,
            version=version,
            issued=now,
            expires=None if lifetime is None else now + lifetime,
            grace=publication.grace,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            min_sdk=self._settings.min_sdk,
        ).covering(entries)


def build_rule_set(files: Mapping[str, str], previous: Bundle | None, demand: Demand | None = None) -> Built:
    """Check and build with what authors use; loaded on the first publication, so that a server starts lean."""
    from nearwise_server.authoring import build_rule_set as build

    return build(files, previous, demand=demand)


def trust_of(signer: Signer) -> Trust:
    """What a device trusts that pins this signer's key."""
    return Trust(keys={signer.key_id: signer.public_key})
