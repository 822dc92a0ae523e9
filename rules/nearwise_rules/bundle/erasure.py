"""Erasure: how a request names a subject without naming it, and which subjects an event names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from nearwise_rules.bundle.hashing import sha256

_LABEL = b"nearwise.erase\0"
_TOKEN_PREFIX, _TOKEN_CHARACTERS = "s_", 34


def erasure_digest(subject: str) -> str:
    """What stands for a subject in a request to erase it: who knows the subject finds it, nobody else learns it.

    Raises:
        UnicodeEncodeError: the subject has a lone surrogate, so it is no text.
    """
    return sha256(_LABEL + subject.encode()).hexdigest()


def subjects_in(members: Mapping[str, object]) -> set[str]:
    """The subjects that an event names: its `subject`, a join's `anonymous`, and every token anywhere in its values.

    Other texts are not taken for subjects: who asks to erase the subject `purchase` must not erase every purchase.
    """
    named = (members.get("subject"), members.get("anonymous") if members.get("type") == "join" else None)
    found = {text for text in named if isinstance(text, str) and text}
    pending: list[object] = [members]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            if _is_token(part):
                found.add(part)
        elif isinstance(part, dict):
            inner = cast("dict[object, object]", part)
            found.update(name for name in inner if isinstance(name, str) and _is_token(name))
            pending.extend(inner.values())
        elif isinstance(part, list):
            pending.extend(cast("list[object]", part))
    return found


def _is_token(text: str) -> bool:
    return len(text) == _TOKEN_CHARACTERS and text.startswith(_TOKEN_PREFIX)
