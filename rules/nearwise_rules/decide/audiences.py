"""The audiences of a bundle: their filters, each read with its first use; whether a subject is in one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nearwise_rules.decide.splits import bucket_key
from nearwise_rules.errors import BundleRefused

if TYPE_CHECKING:
    from nearwise_rules.audiences import AudienceFilter
    from nearwise_rules.bundle import Bundle
    from nearwise_rules.decide.question import Question


class Audiences:
    """Audiences by key. Safe from any thread."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._filters: dict[str, AudienceFilter | None] = {}

    def filter(self, key: str) -> AudienceFilter | None:
        """The filter of an audience, used where it lies in the bundle; None for an unknown key and a damaged filter."""
        if key not in self._filters:
            body, found = self._bundle.view("audience", key), None
            if body is not None:
                from nearwise_rules.audiences import AudienceFilter

                with suppress(BundleRefused):
                    found = AudienceFilter.from_bytes(body)
            self._filters[key] = found
        return self._filters[key]

    def holds(self, key: str, looked_up: str | None, question: Question) -> bool | None:
        """Whether a key (None: the question's subject) is in an audience; None: there is no such audience.

        Without the consent that the audience needs, nobody is in it.
        """
        found = self.filter(key)
        if found is None:
            return None
        if found.purposes and found.purposes & ~question.surroundings.granted:
            return False
        who = bucket_key(question.subject) if looked_up is None else looked_up
        return who is not None and found.holds(who)
