"""The centre as the demo meets it: a child process with a folder of its own, spoken to over HTTP like anybody's."""

from __future__ import annotations

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

    A context manager: leaving it ends the process.
    """

    def __init__(self, folder: Path, port: int | None) -> None:
        self._folder = folder
        self.child = Child("the centre", folder / "centre.log")
        self.port = _free_port(port)
        self.url = f"http://{HOST}:{self.port}"
        self._client = httpx.Client(base_url=self.url, timeout=20.0, trust_env=False)
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
        keys = self._folder / "keys.txt"
        arguments = [
            "-m",
            "nearwise_server.demo.centre_process",
            str(self._folder / "centre"),
            str(self.port),
            str(keys),
        ]
        self.child.start([*arguments, *tills], os.environ)

    def wait_until_it_answers(self) -> None:
        """Wait for the process and take its keys.

        Raises:
            DemoFailed: it ended or does not answer.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            self.child.require_alive()
            if time.monotonic() > deadline:
                raise DemoFailed(f"the centre does not answer at {self.url}")
            time.sleep(0.05)
        lines = (self._folder / "keys.txt").read_text().splitlines()
        self.keys = dict(line.split("\t") for line in lines)
        self._client.headers["Authorization"] = f"Bearer {self.keys['publish']}"

    def publish(self, texts: Mapping[str, str], note: str) -> PublishedBundle:
        """Have a rule set checked, built, signed and published.

        Raises:
            DemoFailed: the centre refuses it.
        """
        answer = self._ask("POST", "/v1/bundles", json={"files": dict(texts), "note": note})
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

    def _answers(self) -> bool:
        try:
            return self._client.get("/healthz").is_success
        except httpx.TransportError:
            return False

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


def _free_port(wanted: int | None) -> int:
    """`wanted`, or the usual port, or any.

    Raises:
        DemoImpossible: the wanted port is in use.
    """
    for port in (USUAL_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoImpossible(f"port {wanted} is in use; --port 0 takes a free one")
