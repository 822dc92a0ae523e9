"""Pieces of a file worked on by several processes at a time: children of this interpreter that answer in pickles.

A child ends when its standard input does, so none outlives this process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Protocol, Self, TypeVar, cast

from nearwise_server.errors import ChildEnded
from nearwise_server.replaying.records import Piece

Part = TypeVar("Part", covariant=True)

FEW_PIECES = 4
"""So many pieces are done sooner than children have started."""


class Job(Protocol[Part]):
    """What is to be done with each piece. It travels to the children as a pickle."""

    def ready(self) -> Callable[[Piece], Part]:
        """The work on one piece, everything opened that it needs."""
        ...


def run_pieces(job: Job[Part], pieces: Sequence[Piece], processes: int) -> Iterator[Part]:
    """What the job makes of each piece, in their order.

    Raises:
        ChildEnded: a child process was killed, or failed.
    """
    if processes <= 1 or len(pieces) <= FEW_PIECES:
        yield from map(job.ready(), pieces)
        return
    idle: SimpleQueue[_Child] = SimpleQueue()
    with ExitStack() as ending, ThreadPoolExecutor(processes) as waiting:
        for _ in range(processes):
            idle.put(ending.enter_context(_Child(job)))

        def ask(piece: Piece) -> Part:
            child = idle.get()
            try:
                return cast("Part", child.ask(piece))
            finally:
                idle.put(child)

        yield from waiting.map(ask, pieces)


class _Child:
    """One child process. A context manager: leaving it ends the process."""

    def __init__(self, job: Job[object]) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-c", f"from {__name__} import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._job = job

    def __enter__(self) -> Self:
        self._tell(self._job)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        assert self._process.stdin is not None  # noqa: S101  started with a pipe
        with suppress(BrokenPipeError):  # it ended before it read all, which `_tell` and `ask` have said
            self._process.stdin.close()
        with self._process:
            pass  # closes the other pipe and waits for its end

    def ask(self, piece: Piece) -> object:
        """What the child makes of a piece."""
        self._tell(piece)
        assert self._process.stdout is not None  # noqa: S101  started with a pipe
        try:
            return pickle.load(self._process.stdout)  # noqa: S301  from a child of our own
        except EOFError:
            raise ChildEnded("a process that worked on the recordings has ended early") from None

    def _tell(self, value: object) -> None:
        assert self._process.stdin is not None  # noqa: S101  started with a pipe
        try:
            pickle.dump(value, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildEnded("a process that worked on the recordings has ended early") from None


def work() -> None:
    """What a child does: read a job and then pieces, answer each, until there are no more."""
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    run = cast("Job[object]", pickle.load(source)).ready()  # noqa: S301  from the process that started this one
    while True:
        try:
            piece = cast("Piece", pickle.load(source))  # noqa: S301
        except EOFError:
            return
        pickle.dump(run(piece), answers)
        answers.flush()
