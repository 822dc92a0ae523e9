"""Payloads and channels: what an action says, and by which way, filled in when it is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from nearwise_rules.decide.parts import Part
from nearwise_rules.logic import Expression, Run, interpret
from nearwise_rules.triggers.captures import as_json, sized

if TYPE_CHECKING:
    from nearwise_rules.decide.release import Release
    from nearwise_rules.documents import Json

Parse: TypeAlias = "Callable[[Json], Expression]"
Template: TypeAlias = "Expression | Mapping[str, Template] | Sequence[Template] | Json"
"""JSON in which every `{var: ...}` is a parsed read."""

HIGHEST = "highest"
"""The one field of a channel that is chosen by numbers: channel -> number or rule."""


def is_read(value: Json) -> bool:
    """Whether a value of a payload is to be filled in."""
    return isinstance(value, dict) and value.keys() == {"var"}


def template_of(value: Json, parse: Parse) -> Template:
    """The value with its reads parsed.

    Raises:
        DocumentError: a read does not parse.
    """
    if is_read(value):
        return parse(value)
    if isinstance(value, dict):
        return {key: template_of(member, parse) for key, member in value.items()}
    return [template_of(item, parse) for item in value] if isinstance(value, list) else value


def reads_in(template: Template) -> Iterator[Expression]:
    """Every read of a template."""
    if isinstance(template, Expression):
        yield template
    elif isinstance(template, Mapping):
        for member in template.values():
            yield from reads_in(member)
    elif isinstance(template, Sequence) and not isinstance(template, str):
        for item in template:
            yield from reads_in(item)


def filled(template: Template, data: Mapping[str, object], run: Run) -> dict[str, Json]:
    """A payload for these data; what is missing in them is null.

    Raises:
        ValueError: it would be too large, or hold a value that no event can carry.
        EvaluationError: a read failed.
    """
    return sized(cast("dict[str, Json]", as_json(_filled(template, data, run), run.zone)))


def _filled(template: Template, data: Mapping[str, object], run: Run) -> object:
    if isinstance(template, Expression):
        return interpret(template, data, run)
    if isinstance(template, Mapping):
        return {key: _filled(member, data, run) for key, member in template.items()}
    if isinstance(template, Sequence) and not isinstance(template, str):
        return [_filled(item, data, run) for item in template]
    return template


class Channel:
    """The way of an action: a rule that gives a text or null, or the channel of the highest number."""

    __slots__ = ("_scores", "_text")

    def __init__(self, given: Json, parse: Parse, release: Release) -> None:
        """Raises: DocumentError for a rule that does not parse."""
        scores = highest_of(given)
        self._text = None if scores is not None else parse(given)
        self._scores = tuple([Part(name, score, release) for name, score in sorted((scores or {}).items())])

    @property
    def rules(self) -> tuple[Expression, ...]:
        """Every rule in it."""
        formulas = [score.formula for score in self._scores if score.formula is not None]
        return (*(() if self._text is None else (self._text,)), *(formula.expression for formula in formulas))

    def choose(self, data: Mapping[str, object], run: Run) -> str | None:
        """The channel for these data; equal numbers go by name, and without any number there is no channel.

        Raises:
            ValueError: the rule gave something else than a text or null.
            EvaluationError: the rule failed.
        """
        if self._text is None:
            numbers = [(score.value(data, run), score.name) for score in self._scores]
            found = [(-number, name) for number, name in numbers if number is not None]
            return min(found)[1] if found else None
        chosen = interpret(self._text, data, run)
        if chosen is None or (isinstance(chosen, str) and chosen):
            return chosen
        raise ValueError(f"a channel is a text, not {'empty' if chosen == '' else f'a {type(chosen).__name__}'}")


def highest_of(channel: Json) -> Mapping[str, Json] | None:
    """The channels and their numbers, when the channel is chosen by them."""
    scores = channel.get(HIGHEST) if isinstance(channel, dict) and channel.keys() == {HIGHEST} else None
    return scores if isinstance(scores, dict) else None
