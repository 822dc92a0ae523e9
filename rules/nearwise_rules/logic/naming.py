"""Names that stand in the rule: which reads of `var`, `val`, `exists` and `missing` have a path known when parsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from nearwise_rules.errors import EvaluationError
from nearwise_rules.records import Record

from .access import MissingNames, level_of
from .javascript import number_text
from .tree import Literal, Node, Variable
from .values import is_list


class Named(Record):
    """`missing` with literal names: reads of all of them, and the function of their values."""

    __slots__ = ("function", "reads")
    reads: tuple[Variable, ...]
    function: Callable[..., object]

    def __init__(self, reads: tuple[Variable, ...], function: Callable[..., object]) -> None:
        self._fix(reads=reads, function=function)


def named_read(name: str, arguments: Sequence[Node], pointer: str, scopes: int) -> Variable | Named | None:
    """What a read whose names are literal becomes, below `scopes` scopes; None when a name is only known when run."""
    if name == "var":
        return _variable(arguments, pointer, scopes)
    if name in ("val", "exists"):
        return _value(name, arguments, pointer, scopes)
    return _missing(arguments, scopes) if name == "missing" else None


def key_text(key: object) -> str | None:
    """A literal key as text; None when the literal is not a key."""
    if isinstance(key, str):
        return key
    if isinstance(key, (int, float)) and not isinstance(key, bool):
        return number_text(key)
    return None


def _path(key: object) -> tuple[str, ...] | None:
    if key is None or key == "":
        return ()
    text = key_text(key)
    return None if text is None else tuple(text.split("."))


def _variable(arguments: Sequence[Node], pointer: str, scopes: int) -> Variable | None:
    key = arguments[0] if arguments else Literal(pointer, None)
    path = _path(key.value) if isinstance(key, Literal) else None
    if path is None:
        return None
    default = arguments[1] if len(arguments) > 1 else None
    return Variable(pointer, "var", path, ".".join(path), rooted=scopes == 0, default=default)


def _value(name: str, arguments: Sequence[Node], pointer: str, scopes: int) -> Variable | None:
    if not all(isinstance(argument, Literal) for argument in arguments):
        return None
    keys = [cast("Literal", argument).value for argument in arguments]
    if keys == [None]:
        keys = []
    try:
        level = level_of(keys[0]) if keys else None
    except EvaluationError:
        return None
    path = [key_text(key) for key in (keys if level is None else keys[1:])]
    if None in path:
        return None
    known = cast("list[str]", path)
    climbed = level or 0
    rooted = climbed % 2 == 0 and climbed // 2 == scopes
    return Variable(pointer, name, tuple(known), ".".join(known), climbed, rooted)


def _missing(arguments: Sequence[Node], scopes: int) -> Named | None:
    places = _named_places(arguments)
    if places is None:
        return None
    names, pointers = [name for name, _ in places], [pointer for _, pointer in places]
    paths = [_path(name) for name in names]
    if None in paths:
        return None
    reads = tuple(
        Variable(pointer, "var", path, ".".join(path), rooted=scopes == 0)
        for path, pointer in zip(cast("list[tuple[str, ...]]", paths), pointers, strict=True)
    )
    return Named(reads, MissingNames(names))


def _named_places(arguments: Sequence[Node]) -> list[tuple[object, str]] | None:
    if arguments and isinstance(arguments[0], Literal) and is_list(arguments[0].value):
        names = cast("list[object]", arguments[0].value)
        return [(name, f"{arguments[0].pointer}/{index}") for index, name in enumerate(names)]
    if not all(isinstance(argument, Literal) for argument in arguments):
        return None
    return [(cast("Literal", argument).value, argument.pointer) for argument in arguments]


def reads_of(name: str, arguments: Sequence[Node], scopes: int) -> set[str]:
    """The attributes that a read with names only known when run may read: "" (all) unless it is inside a loop."""
    if name in ("val", "exists"):
        return {""}
    if scopes or name not in ("var", "missing", "missing_some"):
        return set()
    if name == "missing_some" and len(arguments) > 1:
        places = _named_places(arguments[1:2])
        paths = [_path(key) for key, _ in places] if places is not None else [None]
        if None not in paths:
            return {".".join(path) for path in cast("list[tuple[str, ...]]", paths)}
    return {""}
