"""The centre as the demo meets it: a child process with a folder of its own, spoken to over HTTP like anybody's."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import httpx

from nearwise_rules import Json
from nearwise_server.demo.errors import DemoFailed, DemoImpossible
from nearwise_server.demo.lines import HOST
from nearwise_server.demo.processes import Child
from nearwise_server.demo.reconciliation import StoredEvent

USUAL_PORT = 8700
START_SECONDS = 20.0
PAGE_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the centre knows of a till: its bundle as it last said, events stored, sequence numbers it never got."""

    bundle: int | None
    stored: int
    gaps: int


@dataclass(frozen=True, slots=True)
class PublishedBundle:
    """A version that the centre has accepted, and the root hash of its content."""

    version: int
    root: str


class Centre:
    """A running centre and its `keys`: `publish`, `read`, and one per till by its name.

    A context manager: leaving it ends the process. The process takes its port itself and says its `url` together with
    the keys, so what answers there is this centre and no other. On port None it takes the usual one, or any.
    """

    def __init__(self, folder: Path, port: int | None) -> None:
        self._folder = folder
        self.child = Child("the centre", folder / "centre.log")
        self._ports = (USUAL_PORT, 0) if port is None else (port,)
        if port:
            _require_free(port)
        self.url = ""
        self._client = httpx.Client(timeout=20.0, trust_env=False)
        self.keys: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self.child.__exit__(kind, error, trace)

    def start(self, tills: list[str]) -> None:
        """Start the process, which makes keys for people and one per till."""
        ports = ",".join(map(str, self._ports))
        arguments = [str(self._folder / "centre"), ports, str(self._folder / "keys.txt"), *tills]
        self.child.start(["-m", "nearwise_server.demo.centre_process", *arguments], os.environ)

    def wait_until_it_answers(self) -> None:
        """Wait for the process and take its address and its keys.

        Raises:
            DemoFailed: it ended or does not answer.
        """
        keys = self._folder / "keys.txt"
        deadline = time.monotonic() + START_SECONDS
        while not keys.is_file():
            self.child.require_alive()
            if time.monotonic() > deadline:
                raise DemoFailed(f"the centre does not start; see {self._folder / 'centre.log'}")
            time.sleep(0.05)
        self.keys = dict(line.split("\t") for line in keys.read_text().splitlines())
        self.url = self.keys.pop("centre")
        self._client.base_url = httpx.URL(self.url)
        self._client.headers["Authorization"] = f"Bearer {self.keys['read']}"
        self._ask("GET", "/healthz")

    @property
    def port(self) -> int:
        """The port that the process listens on, once it has said so."""
        return httpx.URL(self.url).port or 0

    def publish(self, texts: Mapping[str, str], note: str) -> PublishedBundle:
        """Have a rule set checked, built, signed and published.

        Raises:
            DemoFailed: the centre refuses it.
        """
        headers = {"Authorization": f"Bearer {self.keys['publish']}"}
        answer = self._ask("POST", "/v1/bundles", headers=headers, json={"files": dict(texts), "note": note})
        return PublishedBundle(_count(answer, "version"), str(answer["root"]))

    def devices(self) -> dict[str, DeviceRecord]:
        """Every till that has called, by name."""
        found: dict[str, DeviceRecord] = {}
        for device in _objects(self._ask("GET", "/v1/devices")["devices"]):
            name, bundle = str(device["name"]), device["bundle_version"]
            before = found.get(name, DeviceRecord(None, 0, 0))
            found[name] = DeviceRecord(
                bundle if isinstance(bundle, int) else None,
                before.stored + _count(device, "stored"),
                before.gaps + _count(device, "missing_events") + _count(device, "lost"),
            )
        return found

    def events(self) -> Iterator[StoredEvent]:
        """Every stored event, page by page."""
        after: object = None
        while True:
            query = {"limit": str(PAGE_EVENTS)} | ({} if after is None else {"after": str(after)})
            page = self._ask("GET", "/v1/events", params=query)
            events = _objects(page["events"])
            yield from map(_event, events)
            after = page.get("next")
            if after is None or not events:
                return

    def transfer_bytes(self, path: str, device_key: str) -> int | None:
        """How many bytes of body a device receives for `path`; None when there is no such thing."""
        headers = {"Authorization": f"Bearer {device_key.rpartition('.')[0]}"}
        answer = self._client.get(path, headers=headers)
        return answer.num_bytes_downloaded if answer.is_success else None

    def _ask(self, method: str, path: str, **more: object) -> dict[str, Json]:
        try:
            answer = self._client.request(method, path, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        except httpx.TransportError as error:
            raise DemoFailed(f"the centre does not answer {method} {path}: {error!r}") from error
        if not answer.is_success:
            raise DemoFailed(f"the centre refuses {method} {path}: {answer.text}")
        return cast("dict[str, Json]", answer.json())


def _objects(value: Json) -> list[dict[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _count(row: Mapping[str, Json], member: str) -> int:
    value = row.get(member)
    return value if isinstance(value, int) else 0


def _event(row: dict[str, Json]) -> StoredEvent:
    subject = row.get("subject")
    return StoredEvent(
        device=str(row["device"]),
        epoch=str(row["epoch"]),
        sequence=_count(row, "seq"),
        type=str(row["type"]),
        subject=subject if isinstance(subject, str) else None,
        content=row,
    )


def _require_free(port: int) -> None:
    """Refuse a port that is in use before anything starts.

    Raises:
        DemoImpossible: the port is in use, or not ours to take.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be taken ({error.strerror})"
            raise DemoImpossible(f"port {port} {reason}; --port 0 takes a free one") from error
