"""Reading what a request asks: JSON bodies, page limits and cursors, each checked before it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import cast

from starlette.requests import Request

from nearwise_server.errors import RequestRefused

DIGEST = re.compile(r"[0-9a-f]{64}")
_FRAME_VALUES = 16
"""What a document holds around its one long list or object: that itself, a note, a version."""
_QUOTES_PER_VALUE = 4
"""A member of an object is two strings."""


def json_body(body: bytes, *, most: int = 0) -> Mapping[str, object]:
    """A JSON object in UTF-8 whose long list or object has at most `most` items.

    Raises:
        RequestRefused: 400, the body is not one; 413, it holds more.
    """
    _refuse_many_values(body, most + _FRAME_VALUES)
    try:
        content = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RequestRefused(400, "not_json", "the body is not JSON") from None
    if not isinstance(content, dict):
        raise RequestRefused(400, "not_json", "the body is not a JSON object")
    return cast("dict[str, object]", content)


def json_lines(body: bytes, *, most: int, line_bytes: int) -> list[tuple[int, object]]:
    """The values of a body of JSON lines, each with the number of its line; blank lines are skipped.

    Raises:
        RequestRefused: 400, a line is not JSON; 413, there are more than `most`, or one is longer than `line_bytes`.
    """
    lines = [(number, line) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    if len(lines) > most:
        raise RequestRefused(413, "too_large", f"at most {most} lines", more={"limit": most})
    if any(len(line) > line_bytes for _, line in lines):
        raise RequestRefused(413, "too_large", f"at most {line_bytes} bytes in a line", more={"limit": line_bytes})
    values: list[tuple[int, object]] = []
    for number, line in lines:
        try:
            values.append((number, json.loads(line.decode("utf-8-sig"))))
        except (ValueError, RecursionError):
            raise RequestRefused(400, "not_json", f"line {number} is not JSON") from None
    return values


def _refuse_many_values(body: bytes, most: int) -> None:
    """Refuse what would take long to parse, before it is parsed: the parser keeps all other requests waiting.

    Values are told by the marks outside of strings, which only UTF-8 lets one find among bytes.
    """
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    few_strings = unescaped.count(b'"') <= most * _QUOTES_PER_VALUE
    outside = b"".join(unescaped.split(b'"')[::2]) if few_strings else b""
    if not few_strings or sum(outside.count(mark) for mark in (b",", b"[", b"{")) > most:
        raise RequestRefused(413, "too_large", f"at most {most} values in one document", more={"limit": most})


def strings(content: Mapping[str, object], name: str, *, most: int, pattern: re.Pattern[str]) -> list[str]:
    """A list of strings that match a pattern.

    Raises:
        RequestRefused: 422, it is missing or not such a list; 413, it is too long.
    """
    listed = content.get(name)
    if not isinstance(listed, list):
        raise RequestRefused(422, "bad_member", f"'{name}' must be a list")
    items = cast("list[object]", listed)
    if len(items) > most:
        raise RequestRefused(413, "too_large", f"at most {most} in '{name}'", more={"limit": most})
    if not all(isinstance(item, str) and pattern.fullmatch(item) for item in items):
        raise RequestRefused(422, "bad_member", f"'{name}' has an item that is not as it should be")
    return cast("list[str]", items)


def texts(content: Mapping[str, object], name: str, *, most: int) -> dict[str, str]:
    """An object whose values are strings.

    Raises:
        RequestRefused: 422, it is missing or not such an object; 413, it has too many members.
    """
    held = content.get(name)
    if not isinstance(held, dict):
        raise RequestRefused(422, "bad_member", f"'{name}' must be an object of texts")
    members = cast("dict[str, object]", held)
    if len(members) > most:
        raise RequestRefused(413, "too_large", f"at most {most} in '{name}'", more={"limit": most})
    if not all(isinstance(value, str) for value in members.values()):
        raise RequestRefused(422, "bad_member", f"'{name}' must be an object of texts")
    return cast("dict[str, str]", members)


def text(content: Mapping[str, object], name: str, *, most: int) -> str:
    """A string that may be left out, without control characters or lone surrogates.

    Raises:
        RequestRefused: 422, it is not one, or too long.
    """
    value = content.get(name, "")
    if not isinstance(value, str) or len(value) > most or not all(mark.isprintable() or mark == "\n" for mark in value):
        raise RequestRefused(422, "bad_member", f"'{name}' must be printable text of at most {most} characters")
    return value


def page_limit(request: Request, most: int) -> int:
    """The `limit` of a page, at most `most`.

    Raises:
        RequestRefused: 400, it is not a number above 0.
    """
    asked = request.query_params.get("limit", "100")
    if not re.fullmatch(r"[0-9]{1,9}", asked) or int(asked) < 1:
        raise RequestRefused(400, "bad_limit", "'limit' is a number above 0")
    return min(int(asked), most)


def cursor(request: Request, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """The `after` of a page as a match of its pattern, None on the first page.

    Raises:
        RequestRefused: 400, it is not a cursor of this listing.
    """
    after = request.query_params.get("after")
    if after is None:
        return None
    match = pattern.fullmatch(after)
    if match is None:
        raise RequestRefused(400, "bad_cursor", "'after' is not a cursor of this listing")
    return match


def choice(request: Request, name: str, among: Collection[str]) -> str | None:
    """A parameter that is one of some words, None without it.

    Raises:
        RequestRefused: 400, it is another word.
    """
    chosen = request.query_params.get(name)
    if chosen is not None and chosen not in among:
        raise RequestRefused(400, "bad_parameter", f"'{name}' is one of {', '.join(among)}")
    return chosen
