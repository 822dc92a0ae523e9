"""JSON text of a rule as Python values, guarded: length and nesting are checked before the text is decoded."""

from __future__ import annotations

import json
import re
from typing import Final

from nearwise_rules.errors import DocumentError, Problem

from .dialects import Limits
from .flaws import RepeatedKeys

_TEXTS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = re.compile(r"[^][{}]+")


def read_json_text(text: str | bytes, limits: Limits) -> object:
    """Decode; objects with repeated keys become RepeatedKeys, NaN and infinities floats that are not finite.

    Raises:
        DocumentError: too long, not UTF-8, not JSON, or nested deeper than a rule may be.
    """
    if len(text) > limits.text_bytes:
        raise _refused("too_long", f"a rule has at most {limits.text_bytes} bytes of text")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        # An operator and its list of arguments are two levels of brackets for one level of the rule.
        if _nesting(decoded) > 2 * limits.depth + 2:
            raise _refused("too_deep", f"a rule nests at most {limits.depth} levels deep")
        return json.loads(decoded, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise _refused("malformed_json", "the text is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise _refused("malformed_json", f"the text is not JSON: {error}") from None


def _refused(code: str, message: str) -> DocumentError:
    return DocumentError([Problem(code, "", message)])


def _nesting(text: str) -> int:
    deepest = depth = 0
    for bracket in _NOT_BRACKETS.sub("", _TEXTS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return RepeatedKeys(pairs, dict.fromkeys(repeated))
