"""What the operators take and give: the table of the type check. Types are those of the `python-jsonlogic` package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jsonlogic.json_schema.types import (
    AnyType,
    ArrayType,
    BinaryOp,
    BooleanType,
    DatetimeType,
    IntegerType,
    JSONSchemaPrimitiveType,
    JSONSchemaType,
    NullType,
    NumberType,
    StringType,
    UnaryOp,
    UnionType,
    UnsupportedOperation,
)


@dataclass(frozen=True)
class ObjectType(JSONSchemaPrimitiveType):
    """A map of values; the package has no type for it."""

    @property
    def name(self) -> str:
        return "object"

    def binary_op(self, other: JSONSchemaType, op: BinaryOp, /) -> JSONSchemaType:  # noqa: ARG002
        raise UnsupportedOperation

    def unary_op(self, op: UnaryOp) -> JSONSchemaType:
        if op == "bool":
            return BooleanType()
        raise UnsupportedOperation


@dataclass(frozen=True)
class VersionType(ObjectType):
    """A version such as 1.4.2: equal or not like a text, ordered by `sem_ver` only."""

    @property
    def name(self) -> str:
        return "version"


Kinds = tuple[type[JSONSchemaType], ...]

TEXT: Kinds = (StringType, VersionType)
NUMBER: Kinds = (NumberType, IntegerType)
LIST: Kinds = (ArrayType,)
INSTANT: Kinds = (DatetimeType, StringType, NumberType, IntegerType)
ANYTHING: Kinds = ()


@dataclass(frozen=True)
class Signature:
    """What one operator takes (the last repeats) and gives."""

    takes: tuple[Kinds, ...]
    gives: JSONSchemaType


_BOOLEAN, _STRING, _INTEGER, _NUMBER, _ANY = BooleanType(), StringType(), IntegerType(), NumberType(), AnyType()
_LIST = ArrayType(_ANY)

SIGNATURES: Mapping[str, Signature] = {
    "!": Signature((ANYTHING,), _BOOLEAN),
    "!!": Signature((ANYTHING,), _BOOLEAN),
    "cat": Signature((ANYTHING,), _STRING),
    "substr": Signature((TEXT, NUMBER), _STRING),
    "+": Signature((NUMBER,), _NUMBER),
    "-": Signature((NUMBER,), _NUMBER),
    "*": Signature((NUMBER,), _NUMBER),
    "/": Signature((NUMBER,), _NUMBER),
    "%": Signature((NUMBER,), _NUMBER),
    "map": Signature((LIST, ANYTHING), _LIST),
    "filter": Signature((LIST, ANYTHING), _LIST),
    "reduce": Signature((LIST, ANYTHING), _ANY),
    "all": Signature((LIST, ANYTHING), _BOOLEAN),
    "some": Signature((LIST, ANYTHING), _BOOLEAN),
    "none": Signature((LIST, ANYTHING), _BOOLEAN),
    "in": Signature((ANYTHING, (*LIST, *TEXT)), _BOOLEAN),
    "merge": Signature((ANYTHING,), _LIST),
    "length": Signature(((*LIST, *TEXT, ObjectType),), _INTEGER),
    "missing": Signature((ANYTHING,), ArrayType(_STRING)),
    "missing_some": Signature((ANYTHING,), ArrayType(_STRING)),
    "exists": Signature((ANYTHING,), _BOOLEAN),
    "starts_with": Signature((TEXT,), _BOOLEAN),
    "ends_with": Signature((TEXT,), _BOOLEAN),
    "matches": Signature((TEXT,), _BOOLEAN),
    "like": Signature((TEXT, (*TEXT, *LIST)), _BOOLEAN),
    "lower": Signature((TEXT,), _STRING),
    "sem_ver": Signature((TEXT,), _BOOLEAN),
    "cidr": Signature((TEXT, (*TEXT, *LIST)), _BOOLEAN),
    "any_of": Signature((LIST,), _BOOLEAN),
    "all_of": Signature((LIST,), _BOOLEAN),
    "none_of": Signature((LIST,), _BOOLEAN),
    "segment": Signature((ANYTHING,), _BOOLEAN),
    "flag": Signature((ANYTHING,), _STRING),
    "model": Signature((ANYTHING,), _NUMBER),
    "audience": Signature((TEXT, (*TEXT, *NUMBER)), _BOOLEAN),
    "now": Signature((), DatetimeType()),
    "before": Signature((INSTANT,), _BOOLEAN),
    "after": Signature((INSTANT,), _BOOLEAN),
    "date_diff": Signature((INSTANT, INSTANT, TEXT), _INTEGER),
    "hour": Signature((INSTANT, TEXT), _INTEGER),
    "weekday": Signature((INSTANT, TEXT), _STRING),
    "date": Signature((INSTANT, TEXT), _STRING),
    "time": Signature((INSTANT, TEXT), _STRING),
}
"""Operators whose types do not depend on their arguments. Those that are absent take and give anything."""

DECLARED: Mapping[str, JSONSchemaType] = {
    "boolean": _BOOLEAN,
    "string": _STRING,
    "integer": _INTEGER,
    "number": _NUMBER,
    "datetime": DatetimeType(),
    "version": VersionType(),
    "list": _LIST,
    "object": ObjectType(),
}
"""The types that attributes are declared with."""


def items_of(found: JSONSchemaType) -> JSONSchemaType | None:
    """The type of a list's items; None for what is no list, or may be something else."""
    if not isinstance(found, ArrayType):
        return None
    items: JSONSchemaType = found.elements_type  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return items  # pyright: ignore[reportUnknownVariableType]


def alternatives(found: JSONSchemaType) -> tuple[JSONSchemaType, ...]:
    """The types of a union, or the one type."""
    return tuple(found.types) if isinstance(found, UnionType) else (found,)


def name_of(found: JSONSchemaType) -> str:
    """What authors call a type."""
    return " or ".join(sorted(set(map(_single_name, alternatives(found)))))


def _single_name(found: JSONSchemaType) -> str:
    items = items_of(found)
    if items is None:
        return found.name
    return "list" if isinstance(items, AnyType) else f"list of {name_of(items)}"


def accepts(kinds: Kinds, found: JSONSchemaType) -> bool:
    """Whether at least one alternative of a type is among `kinds`; what is not known is accepted."""
    return not kinds or any(isinstance(one, (AnyType, NullType, *kinds)) for one in alternatives(found))


def comparable(left: JSONSchemaType, right: JSONSchemaType) -> bool:
    """Whether `==` between the two can ever hold: kinds alike, numbers of both sorts, instants and their text."""
    return any(_alike(one, other) for one in alternatives(left) for other in alternatives(right))


def ordered(left: JSONSchemaType, right: JSONSchemaType) -> bool:
    """Whether `<` between the two is possible: as the package has it, and texts among themselves or with instants."""
    return any(_orders(one, other) for one in alternatives(left) for other in alternatives(right))


def _alike(left: JSONSchemaType, right: JSONSchemaType) -> bool:
    if isinstance(left, AnyType) or isinstance(right, AnyType) or type(left) is type(right):
        return True
    pairs = (NUMBER, TEXT, (DatetimeType, StringType))
    return any(isinstance(left, pair) and isinstance(right, pair) for pair in pairs)


def _orders(left: JSONSchemaType, right: JSONSchemaType) -> bool:
    pairs: tuple[Kinds, ...] = ((StringType,), (DatetimeType, StringType))
    if any(isinstance(left, pair) and isinstance(right, pair) for pair in pairs):
        return True
    if isinstance(right, AnyType):
        return True
    try:
        left.binary_op(right, "<")
    except UnsupportedOperation:
        return False
    return True
