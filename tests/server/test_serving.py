"""A real server on a real port: it starts on nothing, stops without losing anything, and starts again where it was."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest

from nearwise_rules import Entry, encode_batch, open_manifest
from nearwise_server.app import open_centre
from nearwise_server.errors import ServerError
from nearwise_server.keys import make_key
from nearwise_server.publishing import Publication, trust_of
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_centre_in_thread, serve_in_thread
from nearwise_server.settings import Settings
from nearwise_server.store.batches import streams_of
from tests.server.conftest import BATCH, packed


def test_the_first_start_makes_the_folder_private(settings: Settings) -> None:
    with serve_in_thread(settings) as url:
        answer = httpx.get(f"{url}/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert "date" in answer.headers
        assert "server" not in answer.headers
    assert stat.S_IMODE(os.stat(settings.data).st_mode) == 0o700
    assert sorted(os.listdir(settings.data)) == ["nearwise.sqlite3", "serving.lock", "signing.key"]


def test_a_second_server_over_the_same_folder_ends_with_one_sentence(settings: Settings) -> None:
    process, _url = _started(settings.data)
    with process:
        with pytest.raises(ServerError, match="another server runs over"), serve_in_thread(settings):
            pass
        beside = open_centre(settings)
        make_key(beside.database, Scope.READ, "production", now_ms=0)
        beside.close()
        process.kill()
    with serve_in_thread(settings) as url:
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_restart_serves_what_was_published_and_signed_before(settings: Settings) -> None:
    centre = open_centre(settings)
    key = make_key(centre.database, Scope.DEVICE, "production", now_ms=0)
    centre.publisher.publish_entries(
        [Entry.of("flag", "a", {})], Publication(environment="production", published_by="test")
    )
    trust = trust_of(centre.signer)
    centre.close()
    with serve_in_thread(settings) as url:
        answer = httpx.get(f"{url}/v1/manifest", headers={"Authorization": f"Bearer {key}"})
    assert open_manifest(answer.content, trust).version == 1


def test_batches_of_many_devices_at_once_are_all_stored(settings: Settings) -> None:
    centre = open_centre(settings)
    key = make_key(centre.database, Scope.DEVICE, "production", now_ms=0)
    reader = make_key(centre.database, Scope.READ, "production", now_ms=0)
    event = packed(type="track", at=1, name="sale")

    with serve_centre_in_thread(centre) as url, httpx.Client(base_url=url) as client:

        def send(number: int) -> int:
            batch = encode_batch(f"till-{number % 8}", "ab" * 16, number // 8 * 5, [event] * 5)
            headers = BATCH | {"Authorization": f"Bearer {key}"}
            return client.post("/v1/batches", content=batch, headers=headers).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, range(160))) == {200}
        summary = client.get("/v1/summary", headers={"Authorization": f"Bearer {reader}"}).json()
        devices = client.get("/v1/devices", headers={"Authorization": f"Bearer {reader}"}).json()["devices"]
    assert (summary["batches"], summary["events"]) == (160, 800)
    assert [(device["stored"], device["high_water"], device["missing"]) for device in devices] == [(100, 99, [])] * 8


def test_versions_of_other_processes_are_noticed_also_after_a_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre, other = open_centre(replace(settings, refresh_seconds=0.01)), open_centre(settings)
    tries: list[int] = []
    noticed = threading.Event()
    refresh = centre.catalogue.refresh

    def refresh_later() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("something that nobody has thought of")
        refresh()
        if centre.catalogue.newest("production") is not None:
            noticed.set()

    monkeypatch.setattr(centre.catalogue, "refresh", refresh_later)
    with serve_centre_in_thread(centre):
        publication = Publication(environment="production", published_by="test")
        other.publisher.publish_entries([Entry.of("flag", "a", {})], publication)
        assert noticed.wait(10)
    other.close()


def test_a_taken_port_is_said_in_a_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        centre = open_centre(Settings(data=settings.data, port=port))
        with pytest.raises(ServerError, match=f"port {port}"), serve_centre_in_thread(centre):
            pass
    centre.close()


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_a_batch_that_was_acknowledged_survives_sigkill(settings: Settings, acknowledged: int) -> None:
    centre = open_centre(settings)
    key = make_key(centre.database, Scope.DEVICE, "production", now_ms=0)
    centre.close()
    event = packed(type="track", at=1, name="sale")
    process, url = _started(settings.data)
    with process, httpx.Client(base_url=url, headers=BATCH | {"Authorization": f"Bearer {key}"}) as client:
        for number in range(acknowledged):
            batch = encode_batch("till-1", "ab" * 16, number * 3, [event] * 3)
            assert client.post("/v1/batches", content=batch).status_code == 200
        process.kill()
    again = open_centre(settings)
    with again.database.reading() as connection:
        stream = streams_of(connection, "production", ["till-1"])["production", "till-1", "ab" * 16]
    again.close()
    assert stream.received == ((0, acknowledged * 3 - 1),)


_PROGRAM = """
import sys
from nearwise_server.serving import serve
from nearwise_server.settings import Settings
from nearwise_server.store.batches import streams_of
serve(Settings(data=sys.argv[1], port=0), started=lambda url, centre: print(url, flush=True))
"""


def _started(folder: str) -> tuple[subprocess.Popen[str], str]:
    """A server in a process of its own, and its address."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _PROGRAM, folder]
    process = subprocess.Popen(command, env=environment, stdout=PIPE, stderr=PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(tmp_path: Path, ending: signal.Signals) -> None:
    process, url = _started(str(tmp_path / "server"))
    with process:
        assert process.stderr is not None
        assert httpx.get(f"{url}/healthz").status_code == 200
        process.send_signal(ending)
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert not (tmp_path / "server" / "nearwise.sqlite3-wal").exists()
