"""Building a rule set: texts in, entries and located problems out. Nothing here touches a disk or a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nearwise_rules.bundle import Bundle, Entry
from nearwise_rules.documents import RuleSetSettings
from nearwise_server.authoring.located import LocatedProblem


@dataclass(frozen=True)
class Built:
    """A built rule set. Publish `entries` only when there are no `problems`."""

    entries: tuple[Entry, ...]
    problems: tuple[LocatedProblem, ...]
    settings: RuleSetSettings


def build_rule_set(files: Mapping[str, str], previous: Bundle | None = None) -> Built:
    """Check and build the texts of a rule set, by their path relative to its folder ("flags/a.yaml").

    Splits keep the subjects they have in `previous` as far as their shares allow. Problems come in the order of
    files and places; authors' mistakes never raise.
    """
    raise NotImplementedError
