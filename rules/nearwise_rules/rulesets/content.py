"""The content of offers as documents: fields of one type, in every locale that is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nearwise_rules.content.fields import type_of
from nearwise_rules.content.locales import Locales, is_locale, locale_chain, normal_tag
from nearwise_rules.content.placeholders import is_template
from nearwise_rules.documents import LocaleSettings
from nearwise_rules.rulesets.assets import check_asset
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, article, did_you_mean, field_names, is_finite
from nearwise_rules.rulesets.texts import TextChecker

LONGEST_TEXT = 20_000
"""Characters of a text without placeholders."""

_SHAPE = "a field is a text, a number, true or false, an asset, or a map of texts or assets by locale"


def check_locales(settings: Part) -> None:
    """Report what is wrong with `locales` of the settings."""
    part = settings.get("locales")
    if part.absent:
        return
    part.known_fields(field_names(LocaleSettings))
    default, fallbacks = part.get("default"), part.get("fallbacks")
    if not default.absent and default.text() is not None:
        _check_tag(default, str(default.value))
    for tag, others in fallbacks.members().items() if not fallbacks.absent else ():
        _check_tag(others, tag, of_key=True)
        for other in others.texts():
            _check_tag(other, str(other.value))


def types_of(offer: Part) -> Mapping[str, str]:
    """The types of the fields of an offer's document, as far as they are fields."""
    content = offer.get("content").value
    fields = content if isinstance(content, dict) else {}
    return {name: kind for name, value in fields.items() if (kind := type_of(value)) is not None}


def check_content(offer: Part, draft: Draft) -> None:
    """Report everything wrong with `content` and `otherwise` of an offer."""
    content, otherwise = offer.get("content"), offer.get("otherwise")
    fields = content.members() if not content.absent else {}
    locales = Locales.of(draft.settings)
    checker = ContentChecker(locales, TextChecker(draft.conditions, locales))
    for name, part in fields.items():
        checker.check_field(name, part, otherwise.get(name))
    for name, part in otherwise.members().items() if not otherwise.absent else ():
        if name not in fields:
            part.problem("unknown_field", f"this offer has no field '{name}'{did_you_mean(name, fields)}", of_key=True)


@dataclass(frozen=True, slots=True)
class ContentChecker:
    """Checks the fields of the offers of one rule set."""

    locales: Locales
    texts: TextChecker

    def check_field(self, name: str, part: Part, fallback: Part) -> None:
        """Report everything wrong with a field and with what `otherwise` says for it."""
        values = self._values(part)
        for tag, value in values.items():
            _check_value(value, has_locale=bool(tag))
        _check_mixture(values)
        templates = {
            tag: each for tag, each in values.items() if isinstance(each.value, str) and is_template(each.value)
        }
        for tag, text in templates.items():
            self.texts.check(text, tag, fallback)
        if not fallback.absent:
            self._check_fallback(name, fallback, is_used=bool(templates))

    def _values(self, part: Part) -> dict[str, Part]:
        """The values of a field by normal tag; one that is for all locales has the tag ""."""
        if not isinstance(part.value, dict) or "asset" in part.value:
            return {"": part}
        values: dict[str, Part] = {}
        for tag, value in part.members().items():
            if not _check_tag(value, tag, of_key=True):
                continue
            if normal_tag(tag) in values:
                value.problem("duplicate_key", f"'{tag}' is there twice", of_key=True)
            values[normal_tag(tag)] = value
        if not part.value:
            part.problem("content_shape", _SHAPE)
        elif not any(tag in values for tag in locale_chain(None, self.locales)):
            message = f"there is nothing in '{self.locales.default}', the default locale of nearwise.yaml"
            part.problem("missing_locale", message)
        return values

    def _check_fallback(self, name: str, part: Part, *, is_used: bool) -> None:
        if not is_used:
            part.problem("unused_fallback", f"'{name}' has no placeholder, so this is never shown", of_key=True)
        for value in self._values(part).values():
            text = value.value
            if not isinstance(text, str):
                value.problem("shape", "a text is expected here, or texts by locale")
            elif is_template(text):
                value.problem("bad_template", "what stands for a text with placeholders has none itself")
            elif not text.strip():
                value.problem("bad_template", "an empty text would leave a hole")


def _check_tag(part: Part, tag: str, *, of_key: bool = False) -> bool:
    """Report a text that is no locale; whether it is one."""
    if is_locale(tag):
        return True
    part.problem("bad_locale", f"'{tag}' is not a locale such as en or pl-PL", of_key=of_key)
    return False


def _check_value(part: Part, *, has_locale: bool) -> None:
    value = part.value
    if isinstance(value, dict) and "asset" in value:
        check_asset(part)
    elif isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            part.problem("long_text", f"a text has at most {LONGEST_TEXT:,} characters")
    elif has_locale or not isinstance(value, int | float) or not is_finite(value):
        part.problem("content_shape", "a text or an asset is expected for a locale" if has_locale else _SHAPE)


def _check_mixture(values: Mapping[str, Part]) -> None:
    """Report values that are of another type than the first."""
    kinds = {tag: kind for tag, part in values.items() if (kind := type_of(part.value)) in ("text", "asset")}
    first = next(iter(kinds), "")
    for tag, kind in kinds.items():
        if kind != kinds[first]:
            message = f"'{tag}' is {article(kind)}, and '{first}' is {article(kinds[first])}"
            values[tag].problem("mixed_types", message)
