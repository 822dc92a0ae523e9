"""Texts with placeholders as documents: they parse, name attributes that can stand there, and never leave a hole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nearwise_rules.content.fields import by_locale, is_by_locale
from nearwise_rules.content.locales import Locales, related_tags
from nearwise_rules.rulesets.conditions import PROVIDED, Conditions
from nearwise_rules.rulesets.parts import Part, article

if TYPE_CHECKING:
    from nearwise_rules.content.templates import Template

_STAND_IN_TEXTS = ("string", "integer", "number", "version")
_ALWAYS_THERE = "now."


@dataclass(frozen=True, slots=True)
class TextChecker:
    """Checks the texts of one rule set against its attributes and locales."""

    conditions: Conditions
    locales: Locales

    def check(self, part: Part, tag: str, fallback: Part) -> None:
        """Report everything wrong with one text with placeholders.

        `tag` is its normal locale, "" when it is for all; `fallback` is what `otherwise` says for the field.
        """
        from nearwise_rules.content.templates import parse_template

        try:
            template = parse_template(str(part.value))
        except ValueError as error:
            part.problem("bad_template", str(error))
            return
        for name in template.reads:
            self._check_name(part, name)
        for name in template.unused_fallbacks:
            part.problem("unused_fallback", f"'{{{{^ {name} }}}}' has no '{{{{ {name} }}}}' to stand for")
        self._check_holes(part, template, tag, fallback)

    def _check_name(self, part: Part, name: str) -> None:
        if not self.conditions.is_declared(name):
            part.problem("unknown_attribute", self.conditions.undeclared(name))
            return
        names = {**PROVIDED, **self.conditions.types}
        kind = names.get(name)
        if kind is not None and kind not in _STAND_IN_TEXTS:
            part.problem("placeholder_type", f"'{name}' is {article(kind)}, which cannot stand in a text")
        elif kind is None and any(known.startswith(f"{name}.") for known in names):
            part.problem("placeholder_type", f"'{name}' is a group of attributes, which cannot stand in a text")

    def _check_holes(self, part: Part, template: Template, tag: str, fallback: Part) -> None:
        open_names = [name for name in template.required if not name.startswith(_ALWAYS_THERE)]
        if not open_names or self._covers(fallback, tag):
            return
        name, field = open_names[0], fallback.pointer.rpartition("/")[2]
        form = f"{{{{ {name} }}}}{{{{^ {name} }}}}text{{{{/ {name} }}}}"
        where = f" in '{tag}'" if tag and not fallback.absent else ""
        message = f"when '{name}' is missing there is no text{where}: add one to otherwise.{field}, or write {form}"
        part.problem("missing_fallback", message)

    def _covers(self, fallback: Part, tag: str) -> bool:
        """Whether `otherwise` has a text in the language of this one. What is wrong with it is told elsewhere."""
        if not tag or not is_by_locale(fallback.value):
            return not fallback.absent
        texts = by_locale(fallback.value)
        return any(each in texts for each in related_tags(tag, self.locales))
