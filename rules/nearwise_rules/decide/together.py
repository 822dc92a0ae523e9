"""Several flags and placements asked at once: no offer stands in two placements, no cap is exceeded by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nearwise_rules.decide.question import Question
from nearwise_rules.decide.surroundings import Shared, Surround, Surroundings

if TYPE_CHECKING:
    from nearwise_rules.decide.decision import Decision
    from nearwise_rules.decide.release import Release
    from nearwise_rules.decide.visits import Visit

Asked = tuple[Mapping[str, object], object, float]
"""Data, subject and Unix seconds: what all of the decisions are asked with."""


def decide_together(
    release: Release,
    keys: Sequence[str],
    asked: Asked,
    owner: Callable[[], object],
    known: Surroundings | None,
) -> list[Decision]:
    """The decisions, in the order of the keys; see `Release.decide_many`."""
    data, subject, at = asked
    surround: Surround = release.surround if known is None else lambda _subject: known
    shared = Shared(surround)
    placements = [key for key in keys if release.has_placement(key)]
    questions = {
        key: Question(data, subject, at, owner=owner(), kind=release.kind, surround=shared) for key in placements
    }
    given = _placed(release, questions) if isinstance(data, Mapping) else {}  # pyright: ignore[reportUnnecessaryIsInstance]

    def alone(key: str) -> Decision:
        if known is None:
            return release.decide(key, data, subject, at, None, owner())
        return release.ask(key, Question(data, subject, at, owner=owner(), kind=release.kind, surround=surround))

    return [given[key] if isinstance(key, str) and key in given else alone(key) for key in keys]  # pyright: ignore[reportUnnecessaryIsInstance]


def _placed(release: Release, questions: Mapping[str, Question]) -> dict[str, Decision]:
    """The decisions of placements in their order. One that cannot be made leaves the others alone."""
    given: dict[str, Decision] = {}
    visit: Visit | None = None
    for key, question in questions.items():
        try:
            resolver = release.catalogue.placement(key)
            if resolver is not None:
                visit = visit or release.catalogue.visit(tuple(questions), question)
                given[key] = resolver.decide(question, visit)
        except Exception as error:  # noqa: BLE001  the caller's values can raise anything; the till goes on
            given[key] = release.broken(key, question, error)
    return given
