"""Ids of subjects become tokens before anything else sees them."""

from __future__ import annotations

from collections.abc import Mapping

from nearwise_rules import ANONYMOUS, owner_of, subject_token

_KEPT = 10_000
_NAMES = ("subject", "targetingKey")


class Tokens:
    """Works out tokens under one key, and remembers some. Any thread may ask."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[object, str] = {}

    def of(self, subject: object) -> str | None:
        """The token of an id; None for nobody, and for what can be nobody's id."""
        known = self._known.get(subject) if isinstance(subject, str) else None
        if known is not None:
            return known
        text = None if subject is None else owner_of(subject)
        if text is None or text == ANONYMOUS:
            return None
        token = subject_token(text, self._key)
        if isinstance(subject, str):
            if len(self._known) >= _KEPT:
                self._known = {}
            self._known[subject] = token
        return token

    def put_into(self, attributes: Mapping[str, object]) -> Mapping[str, object]:
        """Attributes whose ids of a subject are tokens. A mapping without any is given back as it is."""
        found = [name for name in _NAMES if attributes.get(name) is not None]
        return {**attributes, **{name: self.of(attributes[name]) for name in found}} if found else attributes

    def forget(self) -> None:
        """Remember no id any more."""
        self._known = {}
