"""Erasure: how a request names a subject without naming it, and which subjects an event names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from nearwise_rules.bundle.hashing import sha256
from nearwise_rules.subjects import is_subject_token

_LABEL = b"nearwise.erase\0"
_CONTAINERS = (dict, list)
_TOKEN_CHARACTERS = 34


def erasure_digest(subject: str) -> str:
    """What stands for a subject in a request to erase it: who knows the subject finds it, nobody else learns it.

    Raises:
        UnicodeEncodeError: the subject has a lone surrogate, so it is no text.
    """
    return sha256(_LABEL + subject.encode()).hexdigest()


def subjects_in(*events: Mapping[str, object]) -> set[str]:
    """The subjects that events name: `subject`, a join's `anonymous`, and every token anywhere in their values.

    Other texts are not taken for subjects: who asks to erase the subject `purchase` must not erase every purchase.
    """
    named = [members.get("subject") for members in events]
    named += [members.get("anonymous") for members in events if members.get("type") == "join"]
    return {text for text in named if isinstance(text, str) and text} | _tokens_in([*events])


def _tokens_in(level: list[object]) -> set[str]:
    """Walks level by level, without recursion; of names of members it looks at each once."""
    found: set[object] = set()
    while level:
        values: list[object] = []
        for part in level:
            if isinstance(part, dict):
                inner = cast("dict[object, object]", part)
                found.update(inner)
                values += inner.values()
            else:
                values += cast("list[object]", part)
        found.update([value for value in values if type(value) is str and len(value) == _TOKEN_CHARACTERS])
        level = [value for value in values if type(value) in _CONTAINERS]
    return {text for text in found if isinstance(text, str) and is_subject_token(text)}
