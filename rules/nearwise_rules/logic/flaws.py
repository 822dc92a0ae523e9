"""What can be wrong with one value or one operator's arguments, as sentences for problems."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .operators import Operator
from .tree import Literal, Node


class RepeatedKeys(dict[str, object]):
    """A JSON object in which keys stand more than once; the last value of each was kept."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: Iterable[tuple[str, object]], repeated: Iterable[str]) -> None:
        super().__init__(pairs)
        self.repeated = tuple(repeated)


LONGEST_TOKEN = 80
"""Longer keys are shortened in pointers: every node below one has its own pointer, so they would multiply."""


def escaped(key: str) -> str:
    """A key as a token of a JSON pointer (RFC 6901, section 3)."""
    if len(key) > LONGEST_TOKEN:
        key = key[: LONGEST_TOKEN - 3] + "..."
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key


def shown(text: str) -> str:
    """A text in quotes for a message: shortened, and with everything that is not printable escaped."""
    return ascii(text if len(text) <= 60 else text[:57] + "...") if not text.isprintable() else repr(text[:60])


def flaw(value: object) -> tuple[str, str] | None:
    """The problem's code and sentence when a scalar cannot stand in a rule, else None."""
    if isinstance(value, str):
        return None if value.isascii() or _encodes(value) else ("lone_surrogate", "a text holds half a surrogate pair")
    if value is None or isinstance(value, (bool, int)):
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else ("not_a_number", f"{value} is not a JSON number")
    return "not_json", f"a {type(value).__name__} is not JSON"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def misfit(row: Operator, arguments: Sequence[Node], listed: bool) -> str | None:
    """What is wrong with an operator's arguments in the checked dialect, else None."""
    if row.listed and not listed:
        return "takes its arguments in a list"
    stands_for_all = row.spreads and not listed and not isinstance(arguments[0], Literal)
    if not stands_for_all and (message := _miscount(row, len(arguments))):
        return message
    if row.loops:
        return _no_loop(arguments)
    if row.name == "var" and arguments and isinstance(arguments[0], Literal):
        name = arguments[0].value
        return None if name is None or isinstance(name, str) or type(name) is int else "takes an attribute's name"
    return None


def _miscount(row: Operator, count: int) -> str | None:
    if count >= row.least and (row.most is None or count <= row.most):
        return None
    if row.most is None:
        wanted = f"at least {row.least}"
    else:
        wanted = str(row.least) if row.least == row.most else f"{row.least} to {row.most}"
    return f"takes {wanted} argument{'' if wanted.endswith(' 1') or wanted == '1' else 's'}, not {count}"


def _no_loop(arguments: Sequence[Node]) -> str | None:
    source, body = arguments[:2]
    if isinstance(source, Literal) and not isinstance(source.value, list):
        return "takes a list as its first argument"
    if isinstance(body, Literal) and body.value is None:
        return "takes a rule for each member as its second argument"
    return None
