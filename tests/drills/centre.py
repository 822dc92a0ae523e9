"""A real server for the drills: its own folder, its own port, a published bundle, and what it stored of sales."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearwise_rules import public_key_text
from nearwise_server.app import Centre as Parts
from nearwise_server.app import open_centre
from nearwise_server.keys import make_key
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_centre_in_thread
from nearwise_server.settings import Settings
from tests.drills.bundles import entries_of

ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True)
class Centre:
    """A running server and the keys to it. `device_key` carries the pinned signing key, as tills are given it."""

    url: str
    device_key: str
    read_key: str
    publish_key: str

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Generator[Centre]:
        """Serve over `folder` until the block ends; eight flags are published."""
        parts = open_centre(Settings(data=str(folder / "centre"), port=0))
        keys = {scope: make_key(parts.database, scope, ENVIRONMENT, now_ms=0, device=None) for scope in Scope}
        pin = public_key_text(parts.signer.public_key)
        _publish(parts)
        with serve_centre_in_thread(parts) as url:
            yield cls(url, f"{keys[Scope.DEVICE]}.{pin}", keys[Scope.READ], keys[Scope.PUBLISH])

    def key(self, scope: str) -> str:
        """The key of a scope, d, p or r, as it goes into a header; a worthless one for any other letter."""
        keys = {"d": self.device_key.rpartition(".")[0], "p": self.publish_key, "r": self.read_key}
        return keys.get(scope, "nw1.d000000000000." + "A" * 43)

    def events(self) -> Iterator[dict[str, Any]]:
        """Every stored event, in the order of arrival."""
        after = ""
        while True:
            page = self._get(f"/v1/events?limit=1000{after}")
            yield from page["events"]
            if not page["next"]:
                return
            after = f"&after={urllib.parse.quote(page['next'])}"

    def sales(self) -> Iterator[int]:
        """The number of every stored sale."""
        for row in self.events():
            event = row.get("event", row)
            if event.get("type") == "track" and event.get("name") == "sale":
                yield int(event["properties"]["number"])

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.read_key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def _publish(parts: Parts) -> None:
    publication = Publication(environment=ENVIRONMENT, published_by="drill", note="")
    parts.publisher.publish_entries(entries_of(8), publication)
