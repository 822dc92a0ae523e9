"""Problem documents (RFC 9457): what the server itself says about a refusal, not what stands before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nearwise.transport import Response

_PROBLEM = "urn:nearwise:problem:"
_KEY = "nw1."
_LONGEST = 200


def is_problem(answer: Response) -> bool:
    """Whether this is a refusal as the server writes it, with its own types."""
    return str(_document(answer).get("type")).startswith(_PROBLEM)


def problem_detail(answer: Response) -> str:
    """The server's sentence about its refusal: one short printable line without keys; empty when it says nothing."""
    if not is_problem(answer):
        return ""
    text = str(_document(answer).get("detail") or "")[:_LONGEST]
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join("(key)" if _KEY in word else word for word in printable.split())


def _document(answer: Response) -> dict[str, object]:
    import json

    try:
        document = cast("object", json.loads(answer.body))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
