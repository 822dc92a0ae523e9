"""Erasure: how a request names a subject without naming it, and which texts of an event could name one."""

from __future__ import annotations

from typing import cast

from nearwise_rules.bundle.hashing import sha256

_LABEL = b"nearwise.erase\0"


def erasure_digest(subject: str) -> str:
    """What stands for a subject in a request to erase it: who knows the subject finds it, nobody else learns it.

    Raises:
        UnicodeEncodeError: the subject has a lone surrogate, so it is no text.
    """
    return sha256(_LABEL + subject.encode()).hexdigest()


def texts_in(value: object) -> set[str]:
    """Every text in a value of maps, lists and scalars, names of members included. Walks without recursion."""
    found: set[str] = set()
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            found.add(part)
        elif isinstance(part, dict):
            members = cast("dict[object, object]", part)
            found.update(name for name in members if isinstance(name, str))
            pending.extend(members.values())
        elif isinstance(part, list | tuple):
            pending.extend(cast("list[object]", part))
    return found
