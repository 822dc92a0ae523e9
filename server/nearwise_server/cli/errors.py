"""How a command ends when it cannot do what it was asked to.

CommandFailed      a sentence for the person at the terminal, and the exit code
└── HasProblems    the rule set has problems, which are printed already
"""

from __future__ import annotations

REFUSED = 1
"""Exit code: what was asked for is wrong (problems in a rule set, a refused request)."""

UNUSABLE = 2
"""Exit code: it could not be tried (no such folder, no server, wrong use)."""


class CommandFailed(Exception):
    """A command that ends with one sentence and an exit code, never with a traceback."""

    def __init__(self, message: str, exit_code: int = UNUSABLE) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class HasProblems(CommandFailed):
    """The rule set has problems; they were printed."""

    def __init__(self) -> None:
        super().__init__("", REFUSED)
