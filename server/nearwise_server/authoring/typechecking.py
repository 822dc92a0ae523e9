"""The type check of conditions: declared attributes against what operators take, so that no rule compares unlike kinds.

Only certain mistakes are reported: what may have several types is wrong when none of them fits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import ge, gt, le, lt
from typing import cast

from jsonlogic.json_schema import from_value
from jsonlogic.json_schema.types import AnyType, ArrayType, BooleanType, JSONSchemaType, NullType, StringType, UnionType

from nearwise_rules import (
    EVENT_TYPES,
    PROVIDED,
    Array,
    Json,
    JsonObject,
    Literal,
    Node,
    Operation,
    Variable,
    did_you_mean,
)
from nearwise_server.authoring.constants import constant_fault
from nearwise_server.authoring.signatures import (
    DECLARED,
    NUMBER,
    SIGNATURES,
    TEXT,
    Kinds,
    ObjectType,
    VersionType,
    accepts,
    alternatives,
    comparable,
    items_of,
    name_of,
    ordered,
)

_GIVEN = {**PROVIDED, **EVENT_TYPES}
_WANTED: Mapping[str, Kinds] = {"number": NUMBER, "text": TEXT, "anything": ()}
_EQUALITY = ("==", "!=", "===", "!==")
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CHOICES = ("and", "or", "??", "min", "max")
_LOGIC = ("and", "or", "!", "!!")
_OVERLAPS = ("any_of", "all_of", "none_of")


@dataclass(frozen=True)
class TypeProblem:
    """A misuse of types in a condition, at a JSON pointer within it."""

    pointer: str
    code: str
    message: str


@dataclass
class TypeChecker:
    """Checks conditions against the attributes of one rule set (name -> document)."""

    attributes: Mapping[str, JsonObject]
    problems: list[TypeProblem] = field(default_factory=list[TypeProblem])

    def check(self, root: Node, gives: str = "boolean") -> tuple[TypeProblem, ...]:
        """Every misuse in one rule, in the order of the document. `gives`: what its value must be, "boolean" (it is a
        condition), "number", "text" or "anything".
        """
        self.problems = []
        if gives == "boolean":
            self._check_truth(root)
            self._type(root)
        elif not accepts(_WANTED[gives], found := self._type(root)):
            self._report(root, "wrong_value", f"a {gives} is wanted here, and {_described(root, found)} is none")
        return tuple(self.problems)

    def _type(self, node: Node) -> JSONSchemaType:
        if isinstance(node, Literal):
            return _literal_type(node.value)
        if isinstance(node, Array):
            items = [self._type(item) for item in node.items]
            return ArrayType(_any_of(items))
        if isinstance(node, Variable):
            return self._variable_type(node)
        return self._operation_type(node)

    def _variable_type(self, node: Variable) -> JSONSchemaType:
        if node.operator == "exists":
            return BooleanType()
        fallback = None if node.default is None else self._type(node.default)
        found = self._declared_type(node.name) if node.rooted else AnyType()
        return found if fallback is None else UnionType(found, fallback)

    def _declared_type(self, name: str) -> JSONSchemaType:
        document = self.attributes.get(name)
        if document is None:
            return DECLARED.get(_GIVEN.get(name, ""), AnyType())
        if document.get("type") == "list":
            return ArrayType(DECLARED.get(str(document.get("of")), AnyType()))
        return DECLARED.get(str(document.get("type")), AnyType())

    def _operation_type(self, node: Operation) -> JSONSchemaType:
        types = [self._type(argument) for argument in node.arguments]
        if node.spread:
            return SIGNATURES[node.name].gives if node.name in SIGNATURES else AnyType()
        if node.name in _EQUALITY or node.name in _ORDERS:
            self._check_comparison(node, types)
            return BooleanType()
        if node.name in _CHOICES:
            return _any_of(types)
        if node.name in ("if", "?:"):
            results = [*types[1::2], *(types[-1:] if len(types) % 2 else [NullType()])]
            return _any_of(results)
        signature = SIGNATURES.get(node.name)
        if signature is None:
            return AnyType()
        before = len(self.problems)
        for index, (argument, found) in enumerate(zip(node.arguments, types, strict=True)):
            wanted = signature.takes[min(index, len(signature.takes) - 1)] if signature.takes else ()
            if not accepts(wanted, found):
                kinds = " or ".join(dict.fromkeys(_KIND_NAMES[kind.__name__] for kind in wanted))
                message = f"'{node.name}' takes {kinds} here, {_described(argument, found)} is none"
                self._report(argument, "operand_type", message)
        fault = constant_fault(node) if len(self.problems) == before else None
        if fault is not None:
            constants = [argument for argument in node.arguments if isinstance(argument, Literal)]
            self._report(constants[-1], "constant", f"'{node.name}': {fault}")
        self._check_members(node, types)
        return signature.gives

    def _check_truth(self, node: Node) -> None:
        """Where something must hold, no constant stands but true and false."""
        if isinstance(node, Operation) and node.name in _LOGIC and not node.spread:
            for argument in node.arguments:
                # `!` and `!!` of a value ask whether it is empty.
                if node.name in ("and", "or") or not isinstance(argument, Variable):
                    self._check_truth(argument)
        elif isinstance(node, Variable) and not accepts((BooleanType,), found := self._type(node)):
            self._report(node, "no_condition", f"{_described(node, found)} is no condition: compare it with something")
        elif isinstance(node, Literal) and not isinstance(node.value, bool):
            outcome = "always" if node.value else "never"
            self._report(node, "constant", f"{_shown(node.value)} is no condition: it {outcome} holds")

    def _check_comparison(self, node: Operation, types: Sequence[JSONSchemaType]) -> None:
        fits = comparable if node.name in _EQUALITY else ordered
        pairs = list(zip(node.arguments, types, strict=True))
        for (left, left_type), (right, right_type) in pairwise(pairs):
            if NullType() in (left_type, right_type):
                message = f"'{node.name}' with null never holds: use 'exists' or 'missing'"
                self._report(right if right_type == NullType() else left, "null_comparison", message)
            elif not fits(left_type, right_type):
                message = f"'{node.name}' compares {_described(left, left_type)} with {_described(right, right_type)}"
                advice = self._forgotten_var(left, right) or _advice(left_type, right_type)
                self._report(right, "unlike_types", message + advice)
            elif isinstance(left, Literal) and isinstance(right, Literal) and self._forgotten_var(left, right):
                message = f"'{node.name}' compares two constants"
                self._report(right, "constant", message + self._forgotten_var(left, right))
            elif node.name in _EQUALITY:
                self._check_value(left, right)
                self._check_value(right, left)
            elif isinstance(left, Variable) and isinstance(right, Literal):
                self._check_range(left, node.name, right, chained=len(pairs) > 2)
            elif isinstance(left, Literal) and isinstance(right, Variable):
                self._check_range(right, _MIRRORED[node.name], left, chained=len(pairs) > 2)

    def _forgotten_var(self, *arguments: Node) -> str:
        """The advice where a text is the name of an attribute."""
        texts = [argument.value for argument in arguments if isinstance(argument, Literal)]
        names = [text for text in texts if isinstance(text, str) and (text in self.attributes or text in PROVIDED)]
        return f" (did you mean {{ var: {names[0]} }}?)" if names else ""

    def _check_members(self, node: Operation, types: Sequence[JSONSchemaType]) -> None:
        """For `in` and the overlaps of lists: items of kinds alike, and none that the attribute cannot have."""
        if len(types) != 2 or node.name not in ("in", *_OVERLAPS):
            return
        left, right = node.arguments
        needle, items = types[0] if node.name == "in" else items_of(types[0]), items_of(types[1])
        if needle is None or items is None:
            return
        if not comparable(needle, items):
            message = f"'{node.name}' looks for {_described(left, types[0])} in {_described(right, types[1])}"
            self._report(right, "unlike_types", message)
        elif isinstance(right, Literal):
            self._check_value(left, right)

    def _check_value(self, variable: Node, literal: Node) -> None:
        """A constant that is compared with an attribute must be one of the values the attribute lists."""
        if not isinstance(variable, Variable) or not isinstance(literal, Literal) or not variable.rooted:
            return
        document = self.attributes.get(variable.name, {})
        values, (lowest, highest) = document.get("values"), range_of(document)
        given = cast("Json", literal.value)
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, int | float) and variable.default is None and not lowest <= value <= highest:
                message = f"'{variable.name}' is never {_shown(value)}: its range is {_shown(document['range'])}"
                self._report(literal, "out_of_range", message)
            elif isinstance(values, list) and value is not None and value not in values:
                guess = did_you_mean(str(value), [known for known in values if isinstance(known, str)])
                message = f"'{variable.name}' is never {_shown(value)}{guess}"
                self._report(literal, "unknown_value", message)

    def _check_range(self, variable: Variable, operator: str, literal: Literal, *, chained: bool) -> None:
        """An order must depend on the value: some of the attribute's range is in it, and some is not."""
        bound, document = literal.value, self.attributes.get(variable.name, {})
        if not variable.rooted or variable.default is not None or not isinstance(bound, int | float):
            return
        lowest, highest = range_of(document)
        compare = _ORDERS[operator]
        possible = {compare(lowest, bound), compare(highest, bound)}
        if len(possible) == 1 and not (chained and True in possible):
            outcome = "always" if True in possible else "never"
            message = f"'{variable.name}' {operator} {_shown(bound)} {outcome} holds"
            self._report(literal, "out_of_range", f"{message}: its range is {_shown(document['range'])}")

    def _report(self, node: Node, code: str, message: str) -> None:
        self.problems.append(TypeProblem(node.pointer, code, message))


def range_of(document: JsonObject) -> tuple[float, float]:
    """The lowest and the highest value that an attribute can have; infinite where it does not say."""
    bounds = document.get("range")
    if not isinstance(bounds, list) or len(bounds) != 2:
        return -math.inf, math.inf
    lowest, highest = (bound if isinstance(bound, int | float) else None for bound in bounds)
    return -math.inf if lowest is None else lowest, math.inf if highest is None else highest


_KIND_NAMES = {
    "StringType": "a text",
    "VersionType": "a text",
    "NumberType": "a number",
    "IntegerType": "a number",
    "ArrayType": "a list",
    "DatetimeType": "an instant",
    "ObjectType": "an object",
}


def _any_of(types: Sequence[JSONSchemaType]) -> JSONSchemaType:
    union: JSONSchemaType = UnionType(*types) if types else AnyType()
    return union


def _literal_type(value: object) -> JSONSchemaType:
    if isinstance(value, dict):
        return ObjectType()
    if isinstance(value, list):
        items = [_literal_type(item) for item in cast("list[object]", value)]
        return ArrayType(_any_of(items))
    return from_value(value, {}) if isinstance(value, str | int | float | bool | None) else AnyType()


def _described(node: Node, found: JSONSchemaType) -> str:
    kind = name_of(found)
    if isinstance(node, Variable):
        return f"'{node.name}' ({kind})" if node.rooted else kind
    if isinstance(node, Literal):
        return f"{_shown(node.value)} ({kind})"
    return f"the result of '{node.name}' ({kind})" if isinstance(node, Operation) else kind


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _advice(left: JSONSchemaType, right: JSONSchemaType) -> str:
    versions = any(isinstance(one, VersionType) for one in (*alternatives(left), *alternatives(right)))
    texts = any(isinstance(one, StringType | VersionType) for one in alternatives(right))
    return ": use 'sem_ver' for versions" if versions and texts else ""
