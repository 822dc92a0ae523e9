"""The shapes of `like`, which is SQL's LIKE: `%` stands for any run of characters, `_` for exactly one, a backslash
takes the next one literally; case counts, the whole text must fit. Other than a prefix, suffix or part: a `Pattern`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import lru_cache

from nearwise_rules.errors import DocumentError, Problem

from .pattern_syntax import MAX_PATTERN_CHARACTERS, Assertion, Chain, Characters, PatternNode, Repeat
from .patterns import Pattern


class _Wild(Enum):
    RUN = "%"
    ONE = "_"


_ANY_ONE = Characters((), negated=True)
_ANY_RUN = Repeat(_ANY_ONE, 0, None)


@lru_cache(maxsize=256)
def shape_of(pattern: str) -> Callable[[str], bool] | Pattern:
    """Turn a LIKE pattern into the cheapest test that answers it; the last 256 are remembered.

    Raises:
        DocumentError: too long, or a backslash with nothing behind it.
    """
    match _pieces(pattern):
        case []:
            return "".__eq__
        case [str(literal)]:
            return literal.__eq__
        case [_Wild.RUN]:
            return _anything
        case [str(literal), _Wild.RUN]:
            return lambda text: text.startswith(literal)
        case [_Wild.RUN, str(literal)]:
            return lambda text: text.endswith(literal)
        case [_Wild.RUN, str(literal), _Wild.RUN]:
            return lambda text: literal in text
        case pieces:
            return Pattern(pattern, _tree(pieces))


def _anything(_: str) -> bool:
    return True


def _pieces(pattern: str) -> list[str | _Wild]:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise _refusal(f"a pattern has at most {MAX_PATTERN_CHARACTERS} characters, this one {len(pattern)}")
    pieces: list[str | _Wild] = []
    literal = ""
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            literal += next(characters, "") or _nothing_escaped()
        elif character in "%_":
            pieces.extend([literal] if literal else [])
            literal = ""
            pieces.append(_Wild(character))
        else:
            literal += character
    return [*pieces, literal] if literal else pieces


def _nothing_escaped() -> str:
    raise _refusal("the pattern ends in a backslash; write two for the character")


def _refusal(message: str) -> DocumentError:
    return DocumentError([Problem("bad_pattern", "", message)])


def _tree(pieces: list[str | _Wild]) -> PatternNode:
    parts: list[PatternNode] = [Assertion("text_start")]
    for piece in pieces:
        if isinstance(piece, _Wild):
            parts.append(_ANY_RUN if piece is _Wild.RUN else _ANY_ONE)
        else:
            parts.extend(Characters(((ord(character), ord(character)),)) for character in piece)
    return Chain((*parts, Assertion("text_end")))
