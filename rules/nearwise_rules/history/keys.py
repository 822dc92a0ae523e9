"""The keys of series: some properties of an event and their values, as one text.

A value is written with its type, so that the number 5 and the text "5" are two keys and 5 and 5.0 are one. A value that
is neither a text, a number nor a truth value has no key. Long values are told apart by their digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

_BETWEEN = "\x1e"
_AFTER_NAME = "\x1f"
_OF = "\x1d+"
_ESCAPES = {ord("\x1d"): "\x1d0", ord(_BETWEEN): "\x1d1", ord(_AFTER_NAME): "\x1d2"}
_LONGEST = 100


def series_key(properties: Mapping[str, object]) -> str:
    """The key of occurrences with these values, whatever the order of their names; "" for none at all.

    A value that cannot be part of a key makes one that no occurrence has.
    """
    if not properties:
        return ""
    return joined_key([name_part(name) + (value_text(value) or "") for name, value in sorted(properties.items())])


def joined_key(pairs: Iterable[str]) -> str:
    """The key of pairs of a name's part and a value's text, in the order of their names."""
    return _BETWEEN.join(pairs)


def summed_key(key: str, of: str) -> str:
    """The key of the occurrences of `key` that have a number at the property `of`, which their series adds up."""
    return (key + _BETWEEN if key else "") + _OF + name_part(of)


def name_part(name: str) -> str:
    """How a key writes the name of a property, up to its value."""
    return name.translate(_ESCAPES) + _AFTER_NAME


def value_text(value: object) -> str | None:
    """How a key writes a value; None when it cannot be part of one."""
    if isinstance(value, str):
        return "'" + (value if len(value) <= _LONGEST else _digest(value)).translate(_ESCAPES)
    if isinstance(value, bool):
        return "+" if value else "-"
    if isinstance(value, int | float) and isfinite(value):
        return "#" + (repr(int(value)) if value == int(value) else repr(float(value)))[:_LONGEST]
    return None


def key_parts(key: str) -> dict[str, str]:
    """The parts of a key: the name of each property, as `name_part` writes it, and its value's text."""
    pairs = (pair.partition(_AFTER_NAME) for pair in key.split(_BETWEEN)) if key else ()
    return {name + _AFTER_NAME: value for name, _, value in pairs}


def _digest(text: str) -> str:
    from hashlib import sha256

    return "\x1d" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
