"""Child processes of the demo: started apart from the terminal's Ctrl-C, ended with their parent, none left behind.

A child's standard input is a pipe from the demo. When it ends, because the demo closes it or is itself gone, the child
ends by itself; so not even `kill -9` of the demo leaves orphans.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nearwise_server.demo.errors import DemoFailed

TERMINATION_SECONDS = 2.0


class Child:
    """One Python process. A context manager: leaving it ends the process, if need be by force."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._expected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(patience_seconds=0.0 if kind else 5.0)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run this interpreter with `arguments`; what the process prints goes to its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own programs with our own arguments
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        self._expected = True

    def tell(self, line: str) -> None:
        """Write one line to the process's standard input.

        Raises:
            DemoFailed: the process has ended.
        """
        stream = None if self._process is None else self._process.stdin
        try:
            assert stream is not None  # noqa: S101  # started with a pipe
            stream.write(f"{line}\n".encode())
            stream.flush()
        except OSError as error:
            raise DemoFailed(f"{self.name} ended early; see {self._log}") from error

    def require_alive(self) -> None:
        """Make sure that the process still runs.

        Raises:
            DemoFailed: it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise DemoFailed(f"{self.name} ended early; see {self._log}")

    @property
    def ended_unasked(self) -> bool:
        """Whether it has ended although nobody killed or closed it."""
        return self._expected and self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL: no handler runs, no buffer is written."""
        self._expected = False
        if self._process is not None:
            self._process.kill()
            self.wait(5.0)
            self.close()

    def close(self) -> None:
        """End its standard input: a request to finish."""
        self._expected = False
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def end(self, patience_seconds: float) -> None:
        """Ask it to finish, then terminate, then kill."""
        self.close()
        if self._process is None or self.wait(patience_seconds):
            return
        self._process.terminate()
        if not self.wait(TERMINATION_SECONDS):
            self.kill()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False when it has not by then."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
