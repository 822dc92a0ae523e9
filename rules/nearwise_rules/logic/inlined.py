"""How single operators are written out: an expression with their truth, or None where only a call means the same.

Every row takes the Inlining that asks and the operation. An attribute is read as its guard says (see `slots`); a rule's
constants are bound, never written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, cast

from nearwise_rules.errors import DocumentError

from .access import MissingNames
from .slots import Guard, Path, has_default, kind_of_literal, kind_of_members, slot_path
from .tree import Literal, Node, Operation
from .versions import COMPARISONS, version_of

if TYPE_CHECKING:
    from .inlining import Inlining

FEW_MEMBERS = 3
_NUMERIC = (Guard.NUMBER, Guard.INTEGER)
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EQUAL = frozenset({"==", "==="})
_UNEQUAL = frozenset({"!=", "!=="})


def comparison(code: Inlining, node: Operation) -> str | None:
    if len(node.arguments) < 2 or (len(node.arguments) > 2 and not code.safe):
        return None
    pairs = list(zip(node.arguments, node.arguments[1:], strict=False))
    if not all(_comparable(code, left, right) for left, right in pairs):
        return None
    written = [_compared(code, node.name, left, right) for left, right in pairs]
    return None if None in written else " and ".join(cast("list[str]", written))


def _comparable(code: Inlining, left: Node, right: Node) -> bool:
    kinds = {_kind(code, left), _kind(code, right)}
    if None in kinds or Guard.PLAIN in kinds or Guard.LIST in kinds:
        return False
    if not code.safe and not (isinstance(left, Literal) or isinstance(right, Literal)):
        return False
    return len({Guard.NUMBER if kind is Guard.INTEGER else kind for kind in kinds}) == 1


def _kind(code: Inlining, node: Node) -> Guard | None:
    path = slot_path(node)
    if path is None:
        return kind_of_literal(node)
    return None if has_default(node) else code.writer.guards[path]


def _compared(code: Inlining, name: str, left: Node, right: Node) -> str | None:
    if isinstance(left, Literal):
        return None if isinstance(right, Literal) else _compared(code, _MIRRORED.get(name, name), right, left)
    path = cast("Path", slot_path(left))
    operator = "==" if name in _EQUAL else "!=" if name in _UNEQUAL else name
    null_holds = False if code.safe else _null_holds(code, operator, path, cast("Literal", right))
    if null_holds is None:
        return None
    never_null = operator == "==" and isinstance(right, Literal) and not code.first
    there = [] if never_null else [code.present(path)]
    local = code.writer.load(path)
    if not isinstance(right, Literal):
        there.append(code.present(cast("Path", slot_path(right))))
    compared = f"{local} {operator} {code.value(right)}"
    return f"{compared} if {there[0]} else True" if null_holds else " and ".join([*there, compared])


def _null_holds(code: Inlining, operator: str, path: Path, right: Literal) -> bool | None:
    """What json-logic-js answers for null on the left, which is 0 to an ordering; None where it orders no numbers."""
    if operator in ("==", "!="):
        return operator == "!="
    if code.writer.guards[path] not in _NUMERIC:
        return None
    return bool(_ORDERINGS[operator](0, cast("float", right.value)))


def membership(code: Inlining, node: Operation) -> str | None:
    if len(node.arguments) != 2:
        return None
    needle, haystack = node.arguments
    path = slot_path(needle)
    kind = kind_of_members(haystack)
    if path is not None and kind is not None and not has_default(needle):
        members = cast("list[object]", cast("Literal", haystack).value)
        return member_of(code, code.writer.load(path), members) if _kind_fits(code, path, kind) else None
    if kind_of_literal(needle) is Guard.TEXT and cast("Literal", needle).value:
        return _part(code, cast("Literal", needle), haystack)
    return None


def _kind_fits(code: Inlining, path: Path, kind: Guard) -> bool:
    guard = code.writer.guards[path]
    return guard is kind or (guard is Guard.INTEGER and kind is Guard.NUMBER)


def member_of(code: Inlining, local: str, members: Sequence[object]) -> str:
    """Whether a local is one of some constants: few are compared one by one, many looked up in a set."""
    different = list(dict.fromkeys(members))
    if len(different) <= FEW_MEMBERS:
        return " or ".join([f"{local} == {code.writer.constant(member)}" for member in different])
    return f"{local} in {code.writer.constant(frozenset(different))}"


def _part(code: Inlining, needle: Literal, haystack: Node) -> str | None:
    path = slot_path(haystack)
    if path is None or has_default(haystack):
        return None
    text = code.writer.constant(needle.value)
    if code.writer.guards[path] is Guard.TEXT:
        return f"{code.present(path)} and {text} in {code.writer.load(path)}"
    if code.writer.guards[path] is Guard.LIST:
        return f"{code.present(path)} and holds({text}, {code.writer.local('v', path)})"
    local = code.writer.load(path)
    return f"{text} in {local} if type({local}) is str else holds({text}, {local})"


def presence(code: Inlining, node: Operation, *, negated: bool) -> str | None:
    if not isinstance(node.function, MissingNames):
        return None
    paths = [slot_path(argument) for argument in node.arguments]
    if None in paths:
        return None
    present = [_present(code, path, first=not at) for at, path in enumerate(cast("list[Path]", paths))]
    if negated:
        return "not (" + (" and ".join(present) or "True") + ")"
    return " and ".join(present) or "True"


def _present(code: Inlining, path: Path, *, first: bool) -> str:
    # All names are read, whatever the first ones say; so only the first may be checked as late as in the expression.
    guard = code.writer.guards[path]
    if guard is Guard.PLAIN:
        local = code.writer.load_unchecked(path) if first else code.writer.load(path)
        code.first = False
        return f"({local} if type({local}) is str else given({local}))"
    there = code.present(path) if code.first or guard is not Guard.TEXT else ""
    local = code.writer.load(path)
    if guard is Guard.TEXT:
        return f"{there} and {local}" if there else local
    return there


def versions(code: Inlining, node: Operation) -> str | None:
    if len(node.arguments) != 3:
        return None
    left, comparison, right = node.arguments
    name = comparison.value if isinstance(comparison, Literal) else None
    if not isinstance(name, str) or name not in COMPARISONS:
        return None
    if isinstance(left, Literal):
        left, name, right = right, _MIRRORED.get(name, name), left
    path = _text_path(code, left)
    version = version_of(right.value) if isinstance(right, Literal) else None
    if path is None or version is None:
        return None
    local = code.writer.load_version(path)
    if name in ("^", "~"):
        size = 1 if name == "^" else 2
        return f"{local} is not None and {local}[:{size}] == {code.writer.constant(version[:size])}"
    operator = "==" if name == "=" else name
    return f"{local} is not None and {local} {operator} {code.writer.constant(version)}"


def _text_path(code: Inlining, node: Node) -> Path | None:
    path = slot_path(node)
    if path is None or has_default(node):
        return None
    return path if code.writer.guards[path] is Guard.TEXT else None


def _text_call(code: Inlining, node: Operation, form: str) -> str | None:
    path = _text_path(code, node.arguments[0])
    other = node.arguments[1]
    if path is None or not (isinstance(other, Literal) and type(other.value) is str):
        return None
    call = form.format(code.writer.local("v", path), code.writer.constant(other.value))
    return f"{code.present(path)} and {call}"


def pattern(code: Inlining, node: Operation) -> str | None:
    from .patterns import Pattern, pattern_of
    from .shapes import shape_of

    other = node.arguments[1]
    if not (isinstance(other, Literal) and type(other.value) is str):
        return None
    try:
        compiled = pattern_of(other.value) if node.name == "matches" else shape_of(other.value)
    except DocumentError:
        return None
    if not isinstance(compiled, Pattern):
        return _text_test(code, node, f"{code.writer.function(compiled)}({{0}})")
    code.uses_of_run += 1
    return _text_test(code, node, f"found(env, {code.writer.constant(compiled)}, {{0}})")


def _text_test(code: Inlining, node: Operation, form: str) -> str | None:
    path = _text_path(code, node.arguments[0])
    return None if path is None else f"{code.present(path)} and {form.format(code.writer.local('v', path))}"


def _list_call(code: Inlining, node: Operation, function: str) -> str | None:
    path = slot_path(node.arguments[0])
    if path is None or code.writer.guards[path] is not Guard.LIST or len(node.arguments) != 2:
        return None
    if kind_of_members(node.arguments[1]) is not Guard.TEXT or has_default(node.arguments[0]):
        return None
    wanted = code.writer.constant(frozenset(cast("list[str]", cast("Literal", node.arguments[1]).value)))
    return f"{code.present(path)} and {function}({code.writer.local('v', path)}, {wanted})"


def in_segment(code: Inlining, node: Operation) -> str:
    code.uses_of_run += 1
    return f"in_segment(env, data, {code.writer.constant(node)})"


ROWS: dict[str, Callable[[Inlining, Operation], str | None]] = {
    **dict.fromkeys(("==", "!=", "===", "!==", "<", "<=", ">", ">="), comparison),
    "in": membership,
    "missing": lambda code, node: presence(code, node, negated=True),
    "sem_ver": versions,
    "starts_with": lambda code, node: _text_call(code, node, "{0}.startswith({1})"),
    "ends_with": lambda code, node: _text_call(code, node, "{0}.endswith({1})"),
    "matches": pattern,
    "like": pattern,
    "any_of": lambda code, node: _list_call(code, node, "any_of_texts"),
    "all_of": lambda code, node: _list_call(code, node, "all_of_texts"),
    "none_of": lambda code, node: _list_call(code, node, "none_of_texts"),
    "segment": in_segment,
}
"""The operators with operands; `and`, `or`, `!`, `!!` and `if` stand in `Inlining` itself."""
