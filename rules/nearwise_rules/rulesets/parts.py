"""A document's parts while it is checked: a value, where it stands, and a way to say what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from math import isfinite

from nearwise_rules.documents import Json
from nearwise_rules.documents.values import written_name

_FEW = 9
_LONGEST = 400
_LONGEST_GUESSED = 100


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing wrong in a rule set: the file, where in it (a JSON pointer), a stable code and a sentence.

    `of_key`: the name of the member is meant, not its value.
    """

    file: str
    pointer: str
    code: str
    message: str
    of_key: bool = False

    def __str__(self) -> str:
        return f"{self.file}{'#' + self.pointer if self.pointer else ''}: {self.message}"


Report = Callable[[FileProblem], None]


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a document. What has the wrong shape is reported as `shape` and read as empty."""

    file: str
    pointer: str
    value: Json
    report: Report

    def problem(self, code: str, message: str, *, of_key: bool = False) -> None:
        short = message if len(message) <= _LONGEST else message[: _LONGEST - 3] + "..."
        self.report(FileProblem(self.file, self.pointer, code, short, of_key))

    @property
    def absent(self) -> bool:
        return self.value is None

    def get(self, key: str) -> Part:
        """A member; one that is not there has the value None."""
        members = self.value if isinstance(self.value, dict) else {}
        return self._child(key, members.get(key))

    def members(self) -> dict[str, Part]:
        if isinstance(self.value, dict):
            return {key: self._child(key, value) for key, value in self.value.items()}
        self._shape("a map")
        return {}

    def items(self) -> list[Part]:
        if isinstance(self.value, list):
            return [self._child(str(index), value) for index, value in enumerate(self.value)]
        self._shape("a list")
        return []

    def text(self) -> str | None:
        if isinstance(self.value, str):
            return self.value
        self._shape("a text")
        return None

    def number(self) -> int | float | None:
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return self.value
        self._shape("a number")
        return None

    def finite(self) -> None:
        """Report what is no number, or one that is no finite float."""
        number = self.number()
        if number is not None and not is_finite(number):
            self.problem("not_finite", "a finite number is expected here")

    def whole(self, least: int = 0) -> int | None:
        """The whole number when it is at least `least`, reported when it is not."""
        if isinstance(self.value, int) and not isinstance(self.value, bool) and self.value >= least:
            return self.value
        if self.value is not None:
            self.problem("shape", f"a whole number of at least {least} is expected here")
        return None

    def needs(self, names: Iterable[str], what: str) -> None:
        """Report each of these members that is not there. `what`: the noun with its article."""
        for name in names:
            if (self.absent or isinstance(self.value, dict)) and self.get(name).absent:
                self.problem("missing_field", f"{what} needs '{name}'")

    def texts(self) -> list[Part]:
        """The items of a list of texts; what is no text is reported and left out."""
        items = [] if self.absent else self.items()
        for item in items:
            if not isinstance(item.value, str):
                item.problem("shape", "a text is expected here")
        return [item for item in items if isinstance(item.value, str)]

    def choice(self, options: Iterable[str]) -> str | None:
        """The text when it is one of `options`, reported when it is not."""
        known = tuple(options)
        if self.value is None or (isinstance(self.value, str) and self.value in known):
            return self.value
        given = self.value if isinstance(self.value, str) else ""
        guess = did_you_mean(given, known)
        self.problem("unknown_choice", f"'{given}' is not known here{guess}" if given else f"one of {', '.join(known)}")
        return None

    def known_fields(self, fields: Iterable[str]) -> None:
        """Report every member whose name is not among `fields`."""
        known = tuple(fields)
        for key, member in self.members().items():
            if key not in known:
                member.problem("unknown_field", f"unknown field '{key}'{did_you_mean(key, known)}", of_key=True)

    def _child(self, key: str, value: Json) -> Part:
        token = key.replace("~", "~0").replace("/", "~1")
        return Part(self.file, f"{self.pointer}/{token}", value, self.report)

    def _shape(self, wanted: str) -> None:
        if self.value is not None:
            self.problem("shape", f"{wanted} is expected here")


def nearest(name: str, known: Iterable[str], closeness: float = 0.7) -> str | None:
    """The known name that `name` was most likely meant to be, if any is close (1: the same letters)."""
    from difflib import get_close_matches

    if len(name) > _LONGEST_GUESSED:
        return None
    lowered = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=closeness)
    return lowered[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`; without a close name the known ones when they are few, else nothing."""
    names = tuple(known)
    found = nearest(name, names)
    if found:
        return f" (did you mean '{found}'?)"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= _FEW else ""


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def field_names(document: type) -> tuple[str, ...]:
    """The names that a document's fields are written with."""
    return tuple(written_name(field.name) for field in fields(document))


def is_finite(number: float) -> bool:
    """Whether a number is a finite float, or a whole number that has one."""
    try:
        return isfinite(number)
    except OverflowError:
        return False
