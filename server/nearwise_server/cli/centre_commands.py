"""The commands around a centre: serve, keys, publish, rollback, status."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nearwise_rules import JsonObject, public_key_text
from nearwise_server.cli import screen
from nearwise_server.cli.centre import CentreClient, ContentRejected
from nearwise_server.cli.errors import REFUSED, CommandFailed, HasProblems
from nearwise_server.cli.folders import read_folder
from nearwise_server.scopes import Scope
from nearwise_server.settings import Settings, settings_from

if TYPE_CHECKING:
    from nearwise_server.store import Database

Url = Annotated[str, typer.Option("--url", envvar="NEARWISE_URL", help="The address of the centre.")]
Key = Annotated[str, typer.Option("--key", envvar="NEARWISE_KEY", help="An API key.", show_default=False)]
Note = Annotated[str, typer.Option(help="A line for the record.")]
Data = Annotated[Path, typer.Option("--data", envvar="NEARWISE_DATA", help="The folder of the centre.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_URL = "http://127.0.0.1:8700"
DEFAULT_DATA = Path("centre")
ENVIRONMENT = "production"

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


def serve(
    data: Data = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="The port; 0 picks a free one.", show_default="8700")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
) -> None:
    """Run a centre until Ctrl-C.

    Its folder is made on the first run. Variables named NEARWISE_<SETTING> set everything else.
    """
    from nearwise_server.app import Centre
    from nearwise_server.keys import list_keys
    from nearwise_server.serving import serve as serve_centre

    def started(url: str, centre: Centre) -> None:
        screen.out.print(f"centre      {url}")
        screen.out.print(f"data        {os.path.abspath(centre.settings.data)}")
        screen.out.print(f"public key  {public_key_text(centre.signer.public_key)}   what devices pin")
        if not list_keys(centre.database):
            screen.out.print(f"no API keys yet: nearwise keys create publish --data {data}")
        screen.out.print("Ctrl-C ends")

    serve_centre(settings_from(os.environ, data=str(data), port=port, host=host), started=started)


@keys.command("create")
def create_key(
    scope: Annotated[Scope, typer.Argument(help="What the key is for.")],
    data: Data = DEFAULT_DATA,
    environment: Annotated[str, typer.Option(help="The environment it belongs to.")] = ENVIRONMENT,
    device: Annotated[str | None, typer.Option(help="Bind a device key to this device's name.")] = None,
    note: Note = "",
) -> None:
    """Make a key and print it, this once.

    Only its hash is kept. A device key carries the public signing key, which the SDK pins.
    """
    from nearwise_server.keys import make_key
    from nearwise_server.signing_keys import ensure_signing_key

    settings = settings_of(data)
    with closing(_store(settings)) as database:
        text = make_key(database, scope, environment, now_ms=now_ms(), device=device, note=note)
    if scope is Scope.DEVICE:
        text = f"{text}.{public_key_text(ensure_signing_key(settings.path_of_signing_key).public_key)}"
    print(text)
    screen.err.print(f"{scope} key of '{environment}'. It is shown this once.")


@keys.command("list")
def show_keys(data: Data = DEFAULT_DATA) -> None:
    """List the keys: everything but their secrets."""
    from nearwise_server.keys import list_keys

    with closing(existing_store(data)) as database:
        rows = list_keys(database)
    screen.show_table(
        screen.plural(len(rows), "key") if rows else "no key yet",
        ("id", "scope", "environment", "device", "made", "revoked", "note"),
        [
            (
                key.key_id,
                key.scope.value,
                key.environment,
                key.device,
                screen.clock(key.created_ms),
                screen.clock(key.revoked_ms),
                key.note,
            )
            for key in rows
        ],
    )


@keys.command("revoke")
def drop_key(
    key_id: Annotated[str, typer.Argument(help="The id of the key: twelve hex digits.")], data: Data = DEFAULT_DATA
) -> None:
    """Revoke a key.

    A running centre notices within half a minute.
    """
    from nearwise_server.keys import revoke_key

    with closing(existing_store(data)) as database:
        revoked = revoke_key(database, key_id, now_ms=now_ms())
    if not revoked:
        raise CommandFailed(f"there is no live key '{key_id}'", REFUSED)
    screen.out.print(f"revoked {key_id}")


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder of the rule set.", show_default="here")] = Path(),
    url: Url = DEFAULT_URL,
    key: Key = "",
    note: Note = "",
) -> None:
    """Publish a rule set.

    The centre checks, builds and signs it; devices get it at their next poll. Audiences are built here: the centre
    gets filters and no list of keys.
    """
    files = read_folder(folder)
    if any(name.startswith("audiences/") for name in files):
        files = _with_filters(files)
    with centre_with(url, key) as centre:
        try:
            _show_published(centre.publish(files, note), f"the rule set in {folder.resolve().name}")
        except ContentRejected as rejected:
            screen.show_problems(rejected.problems, len(files))
            raise HasProblems from None


def _with_filters(files: dict[str, str]) -> dict[str, str]:
    from nearwise_server.cli.audiences import build_with_progress, sent_files

    built = build_with_progress(files)
    if built.problems:
        screen.show_problems(built.problems, len(files))
        raise HasProblems
    return sent_files(files, built.audiences)


def fetch(
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle file to write.")] = Path("shop.bundle"),
    url: Url = DEFAULT_URL,
    key: Key = "",
) -> None:
    """Download the newest published bundle.

    An app can ship it as its seed: what it decides by before its first contact with the centre.
    """
    with centre_with(url, key) as centre:
        data = centre.bundle()
    try:
        output.write_bytes(data)
    except OSError as error:
        raise CommandFailed(f"{output}: {error.strerror}") from error
    screen.out.print(f"{output}   {len(data):,} bytes, signed by the centre")


def rollback(
    version: Annotated[int, typer.Argument(min=1, help="The version whose content to publish again.")],
    url: Url = DEFAULT_URL,
    key: Key = "",
    note: Note = "",
) -> None:
    """Publish the content of an earlier version as a new one."""
    with centre_with(url, key) as centre:
        _show_published(centre.roll_back(version, note), f"the content of version {version}")


def status(url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show what is published, and how each device does.

    It needs a read key: `nearwise keys create read`.
    """
    with centre_with(url, key, Scope.READ) as centre:
        versions, devices, summary = centre.versions(5), list(centre.devices()), centre.summary()
    if as_json:
        screen.show_json({"bundles": versions, "devices": devices, "summary": summary})
        return
    now = time.time()
    _show_versions(versions, now)
    screen.out.print()
    _show_devices(devices, now)
    missing = sum(int(str(device.get("missing_events") or 0)) for device in devices)
    colour = "red" if missing else "green"
    screen.out.print(f"\nevents  {summary.get('events', 0):,} stored   [{colour}]missing {missing:,}[/]")


def _show_versions(versions: list[JsonObject], now: float) -> None:
    rows = [
        (
            row.get("version"),
            screen.ago(row.get("published"), now),
            row.get("entries"),
            row.get("size_bytes"),
            _note(row),
        )
        for row in versions
    ]
    title = "published, newest first" if rows else "nothing published yet"
    screen.show_table(title, ("version", "when", "entries", "bytes", "note"), rows)


def _show_devices(devices: list[JsonObject], now: float) -> None:
    columns = ("device", "bundle", "sdk", "last seen", "stored", "missing", "rejected", "lost")
    names = ("name", "bundle_version", "sdk", "last_seen", "stored", "missing_events", "rejected", "lost")
    rows = [screen.texts_of({**row, "last_seen": screen.ago(row.get("last_seen"), now)}, names) for row in devices]
    names_seen = {str(row.get("name")) for row in devices}
    screen.show_table(screen.plural(len(names_seen), "device") if rows else "no device yet", columns, rows)


def _note(row: JsonObject) -> str:
    of = f"content of version {row['content_of']}" if row.get("content_of") else ""
    return " · ".join(part for part in (str(row.get("note") or ""), of) if part)


def _show_published(answer: JsonObject, what: str) -> None:
    root = str(answer.get("root"))[:12]
    screen.out.print(f"version {answer.get('version')} of '{answer.get('environment')}' is {what}   root {root}")


def centre_with(url: str, key: str, scope: Scope = Scope.PUBLISH) -> CentreClient:
    """A centre to talk to with a key that should have this scope.

    Raises:
        CommandFailed: there is no key, or the address is none.
    """
    if not key:
        raise CommandFailed(f"no key: give --key or set NEARWISE_KEY (nearwise keys create {scope} makes one)")
    return CentreClient(url, key)


def settings_of(data: Path) -> Settings:
    """The settings of the centre whose folder this is."""
    return settings_from(os.environ, data=str(data))


def _store(settings: Settings) -> Database:
    from nearwise_server.store import open_database

    os.makedirs(settings.data, mode=0o700, exist_ok=True)
    return open_database(settings.url_of_database)


def existing_store(data: Path) -> Database:
    """The database of a centre that is there already.

    Raises:
        CommandFailed: no centre has its data in this folder.
    """
    settings = settings_of(data)
    if settings.database_url is None and not data.is_dir():
        raise CommandFailed(f"{data}: no centre has its data here (--data names the folder)")
    return _store(settings)


def now_ms() -> int:
    """The time now."""
    return int(time.time() * 1000)
