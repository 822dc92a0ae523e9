"""The commands of authors: init, check, build, decide, schema. They need no server."""

from __future__ import annotations

import time
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nearwise_rules import Bundle, public_key_text
from nearwise_server.authoring import Built
from nearwise_server.authoring.structure import json_schema
from nearwise_server.cli import screen
from nearwise_server.cli.audiences import build_with_progress, facts_of, show_audiences
from nearwise_server.cli.errors import CommandFailed, HasProblems
from nearwise_server.cli.folders import read_folder, write_new
from nearwise_server.cli.questions import Question, ask, read_context, read_known, undeclared, withheld
from nearwise_server.cli.sealing import BundleFile, open_own, seal_bundle
from nearwise_server.cli.starter import KEY_FILE, starter_files

Folder = Annotated[Path, typer.Argument(help="The folder of the rule set.", show_default="here")]


class Format(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    JSON = "json"


class Kind(StrEnum):
    """The files of a rule set that have a schema."""

    SETTINGS = "settings"
    ATTRIBUTES = "attributes"
    SEGMENTS = "segments"
    EVENTS = "events"
    CAPS = "caps"
    FLAG = "flag"
    OFFER = "offer"
    PLACEMENT = "placement"
    EXPERIMENT = "experiment"
    LAYERS = "layers"
    MODEL = "model"
    AUDIENCE = "audience"
    TRIGGER = "trigger"
    CASES = "cases"


def init(folder: Annotated[Path, typer.Argument(help="Where to write it.", show_default="here")] = Path()) -> None:
    """Write a starter rule set, and a key to sign with while developing."""
    from nearwise_server.signing_keys import ensure_signing_key

    files = starter_files(folder.resolve().name or "shop")
    write_new({folder / name: text for name, text in files.items()})
    signer = ensure_signing_key(str(folder / KEY_FILE))
    for name in files:
        if not name.startswith("."):
            screen.out.print(f"  {folder / name}")
    screen.out.print(f"  {folder / KEY_FILE}   private; its public key is {public_key_text(signer.public_key)}")
    here = "" if folder == Path() else f" {folder}"
    screen.err.print(f"Next: nearwise check{here}; {folder / 'README.md'} has more.")


def check(
    folder: Folder = Path(),
    form: Annotated[Format, typer.Option("--format", help="How to print problems.")] = Format.TEXT,
) -> None:
    """Find every problem of a rule set, and run its golden cases."""
    files = read_folder(folder)
    built = build_with_progress(files)
    if form is Format.JSON:
        problems = [{**vars(problem)} for problem in built.problems]
        audiences = [facts_of(audience) for audience in built.audiences]
        screen.show_json({"files": len(files), "problems": problems, "audiences": audiences})
    elif built.problems:
        screen.show_problems(built.problems, len(files))
    else:
        screen.out.print(f"[green]no problems[/] in {screen.plural(len(files), 'file')}: {_content(built)}")
        show_audiences(built.audiences)
    if built.problems:
        raise HasProblems


def build(
    folder: Folder = Path(),
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle file to write.")] = Path("shop.bundle"),
    signing_key: Annotated[
        Path | None,
        typer.Option(envvar="NEARWISE_SIGNING_KEY_FILE", help="The private key.", show_default=f"FOLDER/{KEY_FILE}"),
    ] = None,
    version: Annotated[int, typer.Option(min=1, help="The version of the bundle.")] = 1,
    environment: Annotated[str, typer.Option(help="The environment it is for.")] = "production",
    previous: Annotated[
        Path | None, typer.Option(help="The bundle file that this one follows: its splits keep who is in them.")
    ] = None,
) -> None:
    """Check, build and sign a rule set into a bundle file.

    An app can ship the file as its seed: what it decides by before its first contact with a centre.
    """
    key = signing_key or folder / KEY_FILE
    built = _built(folder, None if previous is None else open_own(previous, str(key)))
    made = seal_bundle(built, BundleFile(str(key), version, environment), time.time())
    try:
        output.write_bytes(made.data)
    except OSError as error:
        raise CommandFailed(f"{output}: {error.strerror}") from error
    screen.out.print(f"{output}   version {version}, {_content(built)}, {len(made.data):,} bytes")
    screen.out.print(f"  root        {made.manifest.root}")
    screen.out.print(f"  public key  {made.public_key}")


def decide(
    folder: Annotated[Path, typer.Argument(help="The folder of the rule set.")],
    flag: Annotated[str, typer.Argument(help="The flag or placement to decide.")],
    subject: Annotated[str | None, typer.Option(help="Who the decision is for.")] = None,
    context: Annotated[Path | None, typer.Option(help="A JSON or YAML file of attribute values; - is stdin.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One attribute value, such as basket.total=25."),
    ] = None,
    at: Annotated[str | None, typer.Option(help="When, as 2026-11-23T08:10 in the zone of the rule set.")] = None,
    consent: Annotated[
        str, typer.Option(metavar="PURPOSE,...", help="The purposes that the subject consents to.")
    ] = "",
    known: Annotated[
        Path | None,
        typer.Option(help="What the device knows, as a golden case tells it: history, signals, traits, consent."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each rule made of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Decide one flag or placement for one context, with the files as they are.

    When the rule set has problems, they are printed, and what has none decides: the exit code is 1 then.
    """
    files = read_folder(folder)
    built = build_with_progress(files, None)
    if built.problems:
        screen.show_problems(built.problems, len(files), screen.err)
        if not _has(built, flag):
            raise HasProblems
    question = Question(
        flag, subject, read_context(context, values or []), at, built.settings.zone, read_known(known, consent)
    )
    explanation = ask(built.entries, question, time.time())
    for warning in (*undeclared(built.entries, question.context), *withheld(built, question)):
        screen.err.print(f"nearwise: {warning}", markup=False)
    if as_json:
        more = screen.explanation_json(explanation) if explain else {}
        screen.show_json(screen.decision_json(explanation.decision) | more)
    else:
        screen.show_decision(explanation.decision)
        if explain:
            screen.show_explanation(explanation)
    if built.problems:
        raise HasProblems


def _has(built: Built, key: str) -> bool:
    """Whether a flag or placement came through the build."""
    return any(entry.key == key for entry in built.entries if entry.kind in ("flag", "placement"))


def schema(kind: Annotated[Kind, typer.Argument(help="The kind of file.")] = Kind.FLAG) -> None:
    """Print the JSON Schema of one kind of file, for editors."""
    screen.show_json(json_schema(kind.value))


def _built(folder: Path, previous: Bundle | None = None) -> Built:
    """The built rule set; its problems are printed when it has some."""
    files = read_folder(folder)
    built = build_with_progress(files, previous)
    if built.problems:
        screen.show_problems(built.problems, len(files))
        raise HasProblems
    return built


def _content(built: Built) -> str:
    counts = Counter(entry.kind for entry in built.entries)
    return ", ".join(screen.plural(counts[kind], noun) for kind, noun in _NOUNS.items() if counts[kind]) or "nothing"


_NOUNS = {
    "flag": "flag",
    "placement": "placement",
    "offer": "offer",
    "experiment": "experiment",
    "trigger": "trigger",
    "model": "model",
    "segment": "segment",
    "audience": "audience",
    "attribute": "attribute",
    "case": "golden case",
}
"""What entries are called when they are counted; the others go without saying."""
