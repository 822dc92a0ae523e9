"""What compiled functions call: the reference for what they did not write out, and a Run's place when there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from .conditions import first_holding
from .interpreter import Interpreter, interpret
from .references import segment
from .run import Run, Scope
from .slots import Surprise, boolean, integer, listed, number, odd, text
from .text import found_within_budget
from .tree import Expression, Literal, Node, Operation
from .values import PLAIN, UNDEFINED, truthy
from .versions import MAX_CACHED, MAX_CACHED_CHARACTERS, Version, version_of

if TYPE_CHECKING:
    from .dialects import Dialect

Environment: TypeAlias = Run | None
Saved: TypeAlias = "tuple[int, int] | None"
Compiled: TypeAlias = "Callable[[Mapping[str, object], Environment], object]"


class NoRun:
    """Stands in for a Run that was not given: whatever an operator asks of it is a Surprise, small costs apart.

    `most` is what each operation may cost, such that all together stay within the budget of a Run.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def spend(self, operations: int) -> None:
        """Let small costs pass."""
        if operations > self.most:
            raise Surprise

    produce = spend

    def __getattr__(self, name: str) -> NoReturn:
        raise Surprise


def whole_expression(expression: Expression) -> Callable[..., object]:
    """The reference for `compile_expression`; `saved` is the budget before the compiled function spent of it."""

    def otherwise(data: object, run: Environment = None, saved: Saved = None) -> object:
        return interpret(expression, data, _restored(run, saved))

    return otherwise


def whole_conditions(expressions: Sequence[Expression]) -> Callable[..., int]:
    """The reference for `compile_conditions`."""
    match = first_holding(expressions)

    def otherwise(data: object, run: Environment = None, saved: Saved = None) -> int:
        if run is None:
            raise Surprise
        _restored(run, saved)
        return match(data, run)

    return otherwise


def _restored(run: Environment, saved: Saved) -> Environment:
    if run is not None and saved is not None:
        run.operations_left, run.bytes_left = saved
    return run


def whole_node(dialect: Dialect) -> Callable[[Run | NoRun, object, Node], object]:
    """The reference for a node inside a compiled rule."""

    def whole(env: Run | NoRun, data: object, node: Node) -> object:
        if isinstance(env, NoRun):
            raise Surprise
        return Interpreter(dialect, env).evaluate(node, Scope(data))

    return whole


def segment_test(dialect: Dialect, compile_expression: Callable[[Expression], Compiled]) -> Callable[..., bool]:
    """`segment` inside one compiled function, `(env, data, node)`: a segment is compiled when it is first met there."""
    compiled: dict[str, tuple[Node, Compiled]] = {}

    def in_segment(env: Run | NoRun, data: Mapping[str, object], node: Operation) -> bool:
        if isinstance(env, NoRun):
            raise Surprise
        key = str(cast("Literal", node.arguments[0]).value)

        def evaluate(part: object, _scope: Scope) -> object:
            if part is node.arguments[0]:
                return key
            root, function = compiled.get(key, (None, None))
            if function is None or root is not part:
                expression = cast("Expression", env.lookup_segment(key))
                if expression.dialect is not dialect:  # the reference reads as the rule does, whatever it looks up
                    return Interpreter(dialect, env).evaluate(expression.root, Scope(data))
                function = compile_expression(expression)
                compiled[key] = cast("Node", part), function
            return function(data, env)

        return segment(env, Scope(data), evaluate, node)

    return in_segment


def holds(text: str, items: object) -> bool:
    """`in` for a constant text and something that is no text itself."""
    if items is None:
        return False
    if not isinstance(items, (list, tuple)):
        raise Surprise
    members = cast("Sequence[object]", items)
    if not PLAIN.issuperset(map(type, members)):
        raise Surprise
    return text in members


def _texts(items: Sequence[object]) -> Sequence[object]:
    if not _TEXT_TYPES.issuperset(map(type, items)):
        raise Surprise
    return items


_TEXT_TYPES = frozenset({str, type(None)})


def any_of_texts(items: Sequence[object], wanted: frozenset[str]) -> bool:
    """`any_of` for a constant list of texts."""
    return not wanted.isdisjoint(_texts(items))


def all_of_texts(items: Sequence[object], wanted: frozenset[str]) -> bool:
    """`all_of` for a constant list of texts."""
    return wanted.issubset(_texts(items))


def none_of_texts(items: Sequence[object], wanted: frozenset[str]) -> bool:
    """`none_of` for a constant list of texts."""
    return wanted.isdisjoint(_texts(items))


class _Versions(dict[str, Version]):
    """Versions by their text, parsed when first met; bounded. Null has none."""

    def __missing__(self, text: str | None) -> Version | None:
        if text is None:
            return None
        version = version_of(text) if type(text) is str else None
        if version is None:
            raise Surprise
        if len(self) >= MAX_CACHED:
            self.clear()
        if len(text) <= MAX_CACHED_CHARACTERS:
            self[text] = version
        return version


def given(value: object) -> bool:
    """Whether a value of any kind but text is there."""
    if type(value) not in PLAIN:
        raise Surprise
    return value is not None


def group(value: object) -> object:
    """The attributes of a group that is null: none."""
    if value is None:
        return _NOTHING
    raise Surprise


_NOTHING: dict[str, object] = {}


class Patience:
    """Turns between the two codes of a rule: the eager one, and after some missing attributes the patient one.

    The patient code is made when first needed. After `LEAST` misses it takes the next `TURNS` calls; then the eager
    code has a go again. `names` are what both codes call: `turns`, `patient` and `missed` are kept there.
    """

    LEAST = 4
    TURNS = 256

    def __init__(self, names: dict[str, object], make: Callable[[], Compiled]) -> None:
        self._names = names
        self._make = make
        self._misses = 0
        self._turns: list[None] = []
        names["turns"] = self._turns
        names["missed"] = self.missed

    def missed(self, data: Mapping[str, object], run: Environment, saved: Saved = None) -> object:
        """Take over from the eager code, which found an attribute missing."""
        function = cast("Compiled | None", self._names.get("patient"))
        if function is None:
            self._names["patient"] = function = self._make()
        self._misses += 1
        if self._misses >= self.LEAST:
            self._misses = 0
            self._turns.extend([None] * self.TURNS)
        return function(data, _restored(run, saved))


FIXED: dict[str, object] = {
    "all_of_texts": all_of_texts,
    "any_of_texts": any_of_texts,
    "bool": bool,
    "boolean": boolean,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
    "found": found_within_budget,
    "given": given,
    "group": group,
    "holds": holds,
    "integer": integer,
    "listed": listed,
    "none_of_texts": none_of_texts,
    "number": number,
    "odd": odd,
    "plain": PLAIN,
    "surprise": Surprise,
    "text": text,
    "truthy": truthy,
    "type": type,
    "undefined": UNDEFINED,
    "unread": object(),
    "versions": _Versions(),
}
"""The names that compiled source may use besides a rule's own constants and Python's built-in types and errors."""
