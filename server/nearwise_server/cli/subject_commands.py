"""The commands about subjects: write their traits, erase them."""

from __future__ import annotations

from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nearwise_server.authoring import LocatedProblem
from nearwise_server.cli import screen
from nearwise_server.cli.centre import CentreClient, ContentRejected
from nearwise_server.cli.centre_commands import DEFAULT_URL, Key, Url, centre_with
from nearwise_server.cli.errors import CommandFailed, HasProblems
from nearwise_server.cli.subject_command import each_subject, tokens_by
from nearwise_server.cli.trait_files import TraitLine, pieces, read_trait_lines
from nearwise_server.scopes import Scope

SubjectKey = Annotated[
    Path | None, typer.Option("--subject-key", help="A file with the subject key: ids become tokens, as on devices.")
]

traits = typer.Typer(help="Write what is known of subjects.", no_args_is_help=True)


@traits.command("put")
def put_traits(
    file: Annotated[
        Path, typer.Argument(help="CSV with a column 'subject', or .jsonl with subject and traits a line.")
    ],
    url: Url = DEFAULT_URL,
    key: Key = "",
    subject_key: SubjectKey = None,
) -> None:
    """Write the traits of the subjects in a file.

    Each subject's traits replace what was known of it. The file goes to the centre in portions; after a problem, what
    came before it is written, and the corrected file can be given again.
    """
    with centre_with(url, key, Scope.TRAITS) as centre:
        try:
            written = _put_file(centre, file, tokens_by(subject_key))
        except OSError as error:
            raise CommandFailed(f"{file}: {error.strerror}") from error
    screen.out.print(f"traits of {screen.plural(written, 'subject')} written")


def erase(
    subjects: Annotated[
        list[str], typer.Argument(metavar="SUBJECT...", help="Whom; - reads them from stdin, one a line.")
    ],
    url: Url = DEFAULT_URL,
    key: Key = "",
    subject_key: SubjectKey = None,
) -> None:
    """Erase subjects who asked for it by letter.

    The centre forgets their traits at once and their events within seconds; each line is the id of a receipt, which
    says `done` when its files are rid of them, too.
    """
    with centre_with(url, key, Scope.ERASE) as centre:
        for subject in map(tokens_by(subject_key), each_subject(subjects)):
            receipt = centre.erase(subject)
            screen.out.print(f"{receipt.get('id')}  {receipt.get('status')}")


def _put_file(centre: CentreClient, path: Path, token_of: Callable[[str], str]) -> int:
    written = 0
    with path.open("rb") as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as text, _bar() as bar:
        task: TaskID = bar.add_task("", total=path.stat().st_size)
        for piece in pieces(read_trait_lines(text, path, token_of)):
            written += _put_piece(centre, path, piece)
            bar.update(task, completed=file.tell(), description=f"{written:,} subjects")
    return written


def _put_piece(centre: CentreClient, path: Path, piece: list[TraitLine]) -> int:
    try:
        return centre.put_traits(line.body for line in piece)
    except ContentRejected as rejected:
        problems = [
            LocatedProblem(str(path), piece[problem.line - 1].number, 1, problem.code, problem.message)
            for problem in rejected.problems
        ]
        screen.show_problems(problems, 1)
        raise HasProblems from None


def _bar() -> Progress:
    """A bar in a terminal, nothing elsewhere."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=screen.err,
        transient=True,
        disable=not screen.err.is_terminal,
    )
