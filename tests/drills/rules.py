"""Hostile rules: texts that are no rule, rules that reach for Python, and rules that would run for ever."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.drills.damage import damage

Json = Any

ITEM: Json = {"var": ""}
ACCUMULATOR: Json = {"var": "accumulator"}
OPERATORS = [
    "var",
    "val",
    "exists",
    "missing",
    "missing_some",
    "if",
    "?:",
    "==",
    "===",
    "!=",
    "!==",
    "!",
    "!!",
    "or",
    "and",
    ">",
    ">=",
    "<",
    "<=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "min",
    "max",
    "cat",
    "substr",
    "in",
    "merge",
    "map",
    "filter",
    "reduce",
    "all",
    "none",
    "some",
    "??",
    "try",
    "throw",
    "length",
    "fractional",
    "sem_ver",
    "starts_with",
    "ends_with",
    "matches",
    "lower",
    "like",
    "any_of",
    "all_of",
    "none_of",
    "cidr",
    "segment",
    "flag",
    "date",
    "before",
    "after",
    "between",
    "now",
    "weekday",
    "hour",
    "log",
    "method",
    "preserve",
]
PYTHON_NAMES = (
    "__class__",
    "__class__.__mro__",
    "__globals__",
    "__import__",
    "__builtins__",
    "__subclasses__",
    "__dict__.keys",
    "func_globals",
    "constructor",
    "prototype.polluted",
    "\n    import os; os.abort()",
    "'+__import__('os').abort()+'",
    '"); raise SystemExit(9) #',
    "{x!r:{__import__}}",
    "%(x)s%n",
    "\\",
    "\u2028",
    "x" * 5000,
)
PATTERNS = (
    "(a+)+$",
    "(a|aa)+$",
    "(a|a?)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)*x",
    "a{1,65000}{1,65000}",
    "(" * 5000,
    "[a-",
    "(?P<x>a)(?P=x)",
    "(?=a)a",
    "\\1",
    "(?<=(a+))b",
    "a" * 100_000,
    "(?i)" * 500,
    "((((a*)*)*)*)*",
    "\\p{L}+",
    "[" + "a-z" * 5000 + "]",
    "|".join("a" * 500),
)


# --- texts


def _text(rng: random.Random) -> bytes:
    """Text that is no JSON, or JSON that the standard forbids or that readers disagree on."""
    depth = rng.choice((65, 1_000, 200_000))
    return rng.choice(
        (
            b"",
            b" ",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00}\x00",
            b"\x00",
            b"{",
            b'{"==":[1,1]}}',
            b"{'==':[1,1]}",
            b'{"==":[NaN,NaN]}',
            b'{"<":[-Infinity,1]}',
            b'{"+":[1e999,-1e999]}',
            b'{"==":[1,' + b"9" * 20_000 + b"]}",
            b'{"==":[1,1e' + b"9" * 20_000 + b"]}",
            b'{"var":"a","var":"b"}',
            b'{"==":[{"var":"\\ud800"},"\\udfff"]}',
            b'{"==":["\xed\xa0\x80",1]}',
            b'{"!":' * depth + b"1" + b"}" * depth,
            b"[" * depth + b"]" * depth,
            b'{"!":' * depth,
            b"[" + b"1," * 600_000 + b"1]",
            b'{"or":[' + b",".join([b'{"var":"a"}'] * 20_000) + b"]}",
            b'"' + b"x" * 1_100_000 + b'"',
        )
    )


def _damaged(rng: random.Random) -> bytes:
    return damage(json.dumps(_sensible(rng, 4)).encode(), rng)


# --- trees


def _sensible(rng: random.Random, depth: int) -> Json:
    """A random tree of real operators, arity mostly right, leaves mostly plain."""
    if depth == 0 or rng.random() < 0.2:
        return _leaf(rng)
    arguments = [_sensible(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 2, 2, 3, 5)))]
    if rng.random() < 0.1:
        return arguments
    return {rng.choice(OPERATORS): arguments if rng.random() < 0.9 or not arguments else arguments[0]}


def _leaf(rng: random.Random) -> Json:
    plain: tuple[Json, ...] = (
        None,
        True,
        0,
        -1,
        2**53,
        10**400,
        1.5,
        -0.0,
        1e308,
        "",
        "a" * 50,
        "20",
        [],
        {},
        "\u0000",
        "💥",
        {"var": "a"},
        {"var": "list"},
        {"var": "text"},
        {"var": ["basket.total", 1]},
        {"var": ""},
        {"val": [[2], "index"]},
        {"val": [[10**9], "x"]},
    )
    return rng.choice(plain) if rng.random() < 0.8 else {"var": rng.choice(PYTHON_NAMES)}


def _python(rng: random.Random) -> Json:
    """Names that mean something to Python, to a code generator or to a format string."""
    name = rng.choice(PYTHON_NAMES)
    return rng.choice(
        (
            {"==": [{"var": name}, name]},
            {name: [1, 2]},
            {"map": [{"var": "list"}, {"var": name}]},
            {"cat": [name, {"val": name.split(".")}]},
            {"method": [{"var": "text"}, name]},
            {"throw": name},
            {"in": [name, {"var": "text"}]},
            {"missing": [name, [name]]},
            {"segment": name},
            {"flag": [name, name]},
        )
    )


def _unknown(rng: random.Random) -> Json:
    """Unknown operators, several keys in one object, wrong arity: each to be named."""
    return rng.choice(
        (
            {"=": [1, 1]},
            {"=>": [1, 1]},
            {"AND": [True]},
            {"==": [1, 1], "!=": [1, 2]},
            {"": 1},
            {rng.choice(OPERATORS) + rng.choice("sx_ "): [1]},
            {rng.choice(OPERATORS): [0] * rng.choice((0, 1, 9, 10_001))},
            {"if": [{"nope": 1}, {"nah": 2}, {"==": [{"nein": 3}]}]},
        )
    )


def _endless(rng: random.Random) -> Json:
    """Loops that double, square or multiply: stopped by the budget, not by patience."""
    numbers = list(range(rng.choice((23, 60, 1000))))
    doubled = rng.choice(
        (
            {"cat": [ACCUMULATOR, ACCUMULATOR]},
            {"*": [ACCUMULATOR, ACCUMULATOR]},
            {"+": [ACCUMULATOR, ACCUMULATOR]},
            {"merge": [ACCUMULATOR, ACCUMULATOR]},
            {"map": [{"merge": [ACCUMULATOR, ACCUMULATOR]}, {"var": ""}]},
            {"reduce": [numbers, {"+": [{"var": "current"}, ACCUMULATOR]}, 0]},
            {"matches": [{"cat": [ACCUMULATOR, "a"]}, "(a*)*b"]},
        )
    )
    start: Json = rng.choice(("aaaaaaaaaa", 10, [1, 2], 3, "x", 10**300))
    inner: Json = {"+": [{"var": ""}, 1]}
    for _ in range(rng.randint(2, 6)):
        inner = {rng.choice(("map", "filter", "all", "some", "none")): [numbers, inner]}
    return rng.choice(({"reduce": [numbers, doubled, start]}, inner, {"map": [{"var": "long"}, inner]}))


def _pattern(rng: random.Random) -> Json:
    """Regular expressions and wildcards that blow up a backtracking matcher, over a long text."""
    text: Json = rng.choice(({"var": "long_text"}, "a" * 40 + "!", {"var": "text"}))
    wildcard = "%".join("a" * rng.choice((5, 30, 2000))) + "%b"
    return rng.choice(({"matches": [text, rng.choice(PATTERNS)]}, {"like": [text, wildcard]}))


def _misuse(rng: random.Random) -> Json:
    """Targeting operators with arguments that no manual shows."""
    odd: tuple[Json, ...] = (None, "", "x", -1, 2**70, 1e308, [], [[]], {"var": "list"}, "999.999.999.999/99", "::/999")
    first, second = rng.choice(odd), rng.choice(odd)
    weights: Json = [
        rng.choice((["a", -1], ["a", 2**64], ["b", "x"], ["c", 1e308], [], "d", ["a", None])) for _ in range(3)
    ]
    versions: Json = ("1.2.3", "", "1", "v1.2.3-beta+7", "9" * 400 + ".0.0", "1.2.3.4.5", "٣.٢.١")
    return rng.choice(
        (
            {"fractional": weights},
            {"fractional": [{"var": "text"}, *weights]},
            {"sem_ver": [rng.choice(versions), rng.choice((">=", "^", "~", "??", "")), rng.choice(versions)]},
            {"cidr": [first, second]},
            {"starts_with": [first, second]},
            {"substr": [{"var": "text"}, rng.choice((-(2**70), 2**70, 1.5)), rng.choice((2**70, -(2**70)))]},
            {"%": [first, rng.choice((0, 0.0, None))]},
            {"/": [first, rng.choice((0, -0.0, 1e-320))]},
            {"before": [first, second]},
            {"any_of": [first, second]},
            {"missing_some": [first, second]},
            {"in": [first, second]},
            {"lower": [first, second]},
            {"length": [first]},
            {"try": [{"throw": {"type": first}}, {"val": "type"}, {"throw": [second]}]},
        )
    )


def _tree(make: Callable[[random.Random], Json]) -> Callable[[random.Random], bytes]:
    return lambda rng: json.dumps(make(rng)).encode()


RULES: tuple[Callable[[random.Random], bytes], ...] = (
    _text,
    _damaged,
    _tree(lambda rng: _sensible(rng, 5)),
    _tree(_python),
    _tree(_unknown),
    _tree(_endless),
    _tree(_pattern),
    _tree(_misuse),
    _tree(_misuse),
)


def hostile_rule(rng: random.Random) -> bytes:
    """The text of one of the above."""
    return rng.choice(RULES)(rng)


class Poison:
    """A value of the caller's own class that resists everything one can do with it."""

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("do not touch")

    __eq__ = __lt__ = __gt__ = __bool__ = __len__ = __str__ = __iter__ = __getitem__ = __contains__ = _refuse
    __hash__ = __int__ = __float__ = __index__ = __add__ = __mul__ = _refuse


class Mirror(Mapping[str, object]):
    """A mapping without an end: every key leads to itself."""

    def __getitem__(self, key: str) -> object:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


def hostile_context(rng: random.Random) -> dict[str, object]:
    """A context with what rules above read, and now and then a value that nobody would expect."""
    context: dict[str, object] = {
        "a": rng.choice((1, None, "x", [], {"b": 1})),
        "text": "The quick brown fox" * rng.choice((1, 50)),
        "long_text": "a" * 20_000 + "!",
        "list": [1, "two", None, {"qty": 3}, [4]],
        "long": list(range(2000)),
        "basket": {"total": rng.choice((12.4, 20, "20", None, float("nan"), 10**400))},
    }
    strange: tuple[object, ...] = (Poison(), Mirror(), object(), {1: 2}, {"a"}, b"bytes", 1j, range(3), type, "\ud800")
    if rng.random() < 0.3:
        context[rng.choice(tuple(context))] = rng.choice(strange)
    return context
