"""Canonical JSON: the one way to write a document as bytes, so that equal documents have equal digests.

As RFC 8785 with two differences, both because a rule set tells integers from floats: integers are written exactly
whatever their size, and floats keep a fraction or an exponent (`1.0`, not `1`). Members are sorted by code point.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import cast

from nearwise_rules.errors import BundleRefused, DocumentError, Problem, Refusal

MAX_DEPTH = 64
"""Deepest nesting of arrays and objects that a document may have."""
MAX_INTEGER_BITS = 14_000
"""Largest integer: Python writes and reads at most 4,300 digits."""


def canonical_json(value: object) -> bytes:
    """Write a JSON value as canonical bytes: sorted members, no spaces, UTF-8, shortest floats.

    Accepts None, bool, int, float, str, list or tuple, and dict with str keys.

    Raises:
        DocumentError: every part that JSON cannot carry (NaN, a lone surrogate, another type), with its pointer.
    """
    problems = tuple(_problems(value))
    if problems:
        raise DocumentError(problems)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _problems(value: object) -> Iterator[Problem]:
    """Everything below `value` that cannot be written; walks without recursion, so depth cannot hurt."""
    pending: list[tuple[str, int, object]] = [("", 0, value)]
    while pending:
        pointer, depth, part = pending.pop()
        if isinstance(part, str):
            yield from _text_problems(pointer, part)
        elif isinstance(part, int):
            if part.bit_length() > MAX_INTEGER_BITS:
                yield Problem("too_large", pointer, f"an integer of more than {MAX_INTEGER_BITS} bits")
        elif isinstance(part, float):
            if not isfinite(part):
                yield Problem("not_finite", pointer, f"{part!r} has no place in JSON")
        elif isinstance(part, dict | list | tuple):
            if depth >= MAX_DEPTH:
                yield Problem("too_deep", pointer, f"nested deeper than {MAX_DEPTH}")
                continue
            for name, child in _members(cast("object", part)):
                if not isinstance(name, str):
                    yield Problem("bad_member_name", pointer, f"member name {name!r} is not a string")
                    continue
                yield from _text_problems(pointer, name)
                pending.append((f"{pointer}/{_escape(name)}", depth + 1, child))
        elif part is not None and not isinstance(part, int):
            yield Problem("not_json", pointer, f"a {type(part).__name__} has no place in JSON")


def _members(part: object) -> Iterable[tuple[object, object]]:
    if isinstance(part, dict):
        return cast("dict[object, object]", part).items()
    return ((str(place), child) for place, child in enumerate(cast("Sequence[object]", part)))


def _text_problems(pointer: str, text: str) -> Iterator[Problem]:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        yield Problem("lone_surrogate", pointer, f"a lone surrogate at character {error.start} is not Unicode text")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def load_object(data: bytes, what: str) -> dict[str, object]:
    """Read a JSON object that someone else wrote, strictly: UTF-8, no member twice, no NaN or Infinity.

    Raises:
        BundleRefused: MALFORMED; the message begins with `what`.
    """
    try:
        loaded: object = _DECODER.decode(data.decode())
    except (ValueError, RecursionError):
        raise BundleRefused(Refusal.MALFORMED, f"{what} is not JSON") from None
    if not isinstance(loaded, dict):
        raise BundleRefused(Refusal.MALFORMED, f"{what} is not an object")
    return cast("dict[str, object]", loaded)


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not allowed")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)
