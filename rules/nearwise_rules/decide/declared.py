"""The declared experiments of a bundle: read when a rule first names one, so that others cost nothing."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nearwise_rules.decide.experiments import ExperimentPlan
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import JsonObject


class Experiments:
    """The experiments of one release by key, and the documents that they are made of."""

    __slots__ = ("_plans", "_release")

    def __init__(self, release: Release) -> None:
        self._release = release
        self._plans: dict[str, ExperimentPlan | None] = {}

    def plan(self, key: str) -> ExperimentPlan | None:
        """An experiment, ready to assign; None when the bundle has none of that key.

        Raises:
            KeyError, TypeError, ValueError: its entry does not have the shape of an experiment.
        """
        if key not in self._plans:
            document = self.document("experiment", key)
            made = None
            if document:
                from nearwise_rules.decide.experiments import ExperimentPlan

                made = ExperimentPlan(key, document, self._release)
            self._plans[key] = made
        return self._plans[key]

    def document(self, kind: str, key: str) -> JsonObject:
        """The document of an experiment or a layer; empty when the bundle has none of that key that is a map."""
        document: object = loads(self._release.bundle.entry(kind, key) or b"{}")
        return cast("JsonObject", document) if isinstance(document, dict) else {}
