"""Audiences of a rule set: their lists read and checked, and built into the filters that a bundle carries.

An audience `vip` has its keys in exactly one place: `keys` of audiences/vip.yaml, a key a line in audiences/vip.txt, or
a filter that was built before in audiences/vip.filter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple, TypeAlias

from nearwise_rules.audiences import AudienceFilter, build_filter, read_key_list
from nearwise_rules.audiences.filters import MAX_KEY_CHARACTERS
from nearwise_rules.bundle import Entry
from nearwise_rules.consent import purposes_mask
from nearwise_rules.documents import Audience
from nearwise_rules.errors import BundleRefused
from nearwise_rules.rulesets.files import AUDIENCES, Sources, known_file
from nearwise_rules.rulesets.parts import FileProblem, Part, field_names
from nearwise_rules.rulesets.purposes import check_purposes

Progress: TypeAlias = "Callable[[str, float], None]"
"""Hears, while filters are built, the key of an audience and which part of the work on it is done: 0 to 1."""


class BuiltAudience(NamedTuple):
    """An audience of a rule set. `repeated`: how many of its keys were there already."""

    key: str
    filter: AudienceFilter
    repeated: int

    @property
    def entry(self) -> Entry:
        """The audience in a bundle."""
        return Entry("audience", self.key, self.filter.to_bytes())


def built_audiences(sources: Sources, progress: Progress | None) -> Iterator[BuiltAudience]:
    """Build every audience without problems, and report what is wrong with the others."""
    for key, part in sorted(sources["audience"].items()):
        built = _Reader(key, part, sources, progress).built()
        if built is not None:
            yield built


class _Reader:
    """Reads one audience; `wrong` when something was reported of it."""

    def __init__(self, key: str, part: Part, sources: Sources, progress: Progress | None) -> None:
        self.key = key
        self.wrong = False
        self._report = part.report
        self._progress = progress
        self._texts = sources.texts
        self._part = Part(part.file, part.pointer, part.value, self._noted)

    def _noted(self, problem: FileProblem) -> None:
        self.wrong = True
        self._report(problem)

    def built(self) -> BuiltAudience | None:
        """The audience; None when something is wrong with it."""
        part = self._part
        part.known_fields(field_names(Audience))
        check_purposes(part.get("purposes"))
        named = part.get("purposes").value
        purposes = purposes_mask(map(str, named)) if isinstance(named, list) else 0
        place = self._place()
        if place is None:
            return None
        if place.file.endswith(".filter"):
            return self._filtered(place, purposes)
        keys = self._listed(place) if place.file in self._texts else self._written(place)
        without = self._written(part.get("except"))
        known = self._known()
        return None if self.wrong else self._filter(keys, known, frozenset(without), purposes)

    def _place(self) -> Part | None:
        """Where the keys are."""
        stem = f"{AUDIENCES}/{self.key}"
        places = [self._texts[file] for file in (f"{stem}.txt", f"{stem}.filter") if file in self._texts]
        if not self._part.get("keys").absent:
            places.append(self._part.get("keys"))
        if len(places) == 1:
            return Part(places[0].file, places[0].pointer, places[0].value, self._noted)
        if places:
            named = " and ".join("'keys'" if place.pointer else place.file for place in places)
            self._part.problem("several_lists", f"the keys of an audience are in one place, and not in {named}")
        else:
            self._part.problem("missing_list", f"an audience needs 'keys', or a list of them in {stem}.txt")
        return None

    def _listed(self, part: Part) -> list[str]:
        """The keys of a text, one a line."""
        text = part.text()
        if text is None:
            return []
        read = read_key_list(text)
        for problem in read.problems:
            pointer = f"/{problem.line - 1}" if problem.line else ""
            Part(part.file, pointer, None, self._noted).problem(problem.code, problem.message)
        return read.keys

    def _written(self, part: Part) -> list[str]:
        """The keys of a list in a document."""
        keys: list[str] = []
        for each in part.texts():
            text = str(each.value)
            if 0 < len(text) <= MAX_KEY_CHARACTERS:
                keys.append(text)
            else:
                message = f"a key has 1 to {MAX_KEY_CHARACTERS:,} characters, and this one has {len(text):,}"
                each.problem("key_too_long" if text else "empty_key", message)
        if part.pointer == "/keys" and part.value == []:
            part.problem("empty_audience", "there is no key in this list")
        return keys

    def _known(self) -> list[str]:
        """The keys of all known subjects."""
        part = self._part.get("known")
        file = known_file(part.value)
        if file is None:
            part.text()
            return []
        listed = self._texts.get(file)
        if listed is None or not file.endswith(".txt"):
            part.problem("missing_file", f"there is no {file}: 'known' names a list beside this file, such as all.txt")
            return []
        return self._listed(listed)

    def _filtered(self, place: Part, purposes: int) -> BuiltAudience | None:
        """An audience whose filter was built before."""
        for name in ("except", "known"):
            if not self._part.get(name).absent:
                message = f"{place.file} is built already: '{name}' belongs where its list of keys is"
                self._part.get(name).problem("built_already", message, of_key=True)
        text = place.text()
        if text is None or self.wrong:
            return None
        try:
            return BuiltAudience(self.key, AudienceFilter.from_text(text).with_purposes(purposes), 0)
        except BundleRefused as refused:
            place.problem("bad_filter", f"cannot be used: {refused}")
            return None

    def _filter(
        self, keys: Collection[str], known: Collection[str], without: frozenset[str], purposes: int
    ) -> BuiltAudience | None:
        progress = self._progress
        told = None if progress is None else partial(progress, self.key)
        try:
            made = build_filter(keys, known=known, without=without, purposes=purposes, progress=told)
        except ValueError as error:
            self._part.problem("bad_audience", str(error))
            return None
        left_out = sum(key in without for key in keys) if without else 0
        return BuiltAudience(self.key, made, len(keys) - left_out - made.keys)
