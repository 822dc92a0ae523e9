"""Content at work: chosen once for each locale, filled for each decision where a text has placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from nearwise_rules.content.fields import best, by_locale, type_of
from nearwise_rules.content.locales import Locales, locale_chain
from nearwise_rules.content.placeholders import is_template, names_in
from nearwise_rules.content.values import as_text
from nearwise_rules.logic.run import Diagnostic

if TYPE_CHECKING:
    from nearwise_rules.content.templates import Template
    from nearwise_rules.documents import Json, JsonObject

KEPT_LOCALES = 64
"""For so many locales the chosen fields are kept: the locale comes from the app."""

LONGEST_OUTPUT = 8_000
"""Characters of a text when it is filled."""

MISSING_VALUE: Final = "MISSING_VALUE"
"""An attribute that a text names is missing: the field's text of `otherwise` is shown."""

UNUSABLE_VALUE: Final = "UNUSABLE_VALUE"
"""An attribute that a text names has a value that cannot stand in it: it counts as missing."""

LONG_TEXT: Final = "LONG_TEXT"
"""A text would become too long: the field's text of `otherwise` is shown."""

BROKEN_TEXT: Final = "BROKEN_TEXT"
"""A text could not be filled: the field's text of `otherwise` is shown."""

LookUp: TypeAlias = Callable[[str], object]
Rendered: TypeAlias = "tuple[dict[str, Json], tuple[Diagnostic, ...]]"


class Content:
    """The content of one offer. `types` are those of its fields, `reads` the attributes that its texts name.

    Immutable to its users; safe from any thread.
    """

    __slots__ = ("_fields", "_kept", "_locales", "_otherwise", "reads", "types")

    def __init__(self, content: JsonObject, otherwise: JsonObject, locales: Locales) -> None:
        self._fields = {name: by_locale(value) for name, value in content.items()}
        self._otherwise = {name: by_locale(value) for name, value in otherwise.items()}
        self._locales = locales
        self._kept: dict[str | None, _Chosen] = {}
        self.types: Mapping[str, str] = {name: _known_type(name, value) for name, value in content.items()}
        texts = [value for values in self._fields.values() for value in values.values() if isinstance(value, str)]
        self.reads = frozenset[str]().union(*map(names_in, texts))

    def render(self, locale: str | None, look_up: LookUp) -> Rendered:
        """The fields in a locale, their texts filled with what `look_up` gives (None for what is missing).

        Never raises: a text that cannot be filled is that of `otherwise`, and a diagnostic says why. The fields are
        shared between decisions: copy them before you change them.
        """
        chosen = self._kept.get(locale)
        if chosen is None:
            if len(self._kept) >= KEPT_LOCALES:
                self._kept.clear()
            chosen = self._kept[locale] = self._choose(locale)
        return chosen.filled(look_up) if chosen.texts else chosen.answer

    def _choose(self, locale: str | None) -> _Chosen:
        chain = locale_chain(locale, self._locales)
        fields: dict[str, Json] = {}
        texts: list[_Text] = []
        for name, values in self._fields.items():
            value = best(values, chain)
            if isinstance(value, str) and is_template(value):
                instead = best(self._otherwise[name], chain) if self._otherwise.get(name) else ""
                texts.append(_Text(name, value, str(instead)))
                value = str(instead)
            fields[name] = value
        return _Chosen(fields, texts)


class _Chosen:
    """The fields for one locale; those of `texts` are filled for each decision."""

    __slots__ = ("answer", "texts")

    def __init__(self, fields: dict[str, Json], texts: Iterable[_Text]) -> None:
        self.texts = tuple(texts)
        self.answer: Rendered = (fields, ())

    def filled(self, look_up: LookUp) -> Rendered:
        fields, notes = dict(self.answer[0]), list[Diagnostic]()
        for text in self.texts:
            fields[text.name] = text.filled(look_up, notes)
        return fields, tuple(notes)


class _Text:
    """One text with placeholders, and what is shown when it cannot be filled."""

    __slots__ = ("_instead", "_place", "_template", "_wrong", "name")

    def __init__(self, name: str, text: str, instead: str) -> None:
        from nearwise_rules.content.templates import parse_template

        self.name = name
        self._place = f"/content/{name}"
        self._instead = instead
        self._template: Template | None = None
        self._wrong = ""
        try:
            self._template = parse_template(text)
        except ValueError as error:
            self._wrong = str(error)

    def filled(self, look_up: LookUp, notes: list[Diagnostic]) -> str:
        if self._template is None:
            return self._otherwise(notes, BROKEN_TEXT, self._wrong)
        try:
            values = self._values(self._template, look_up, notes)
            missing = next((name for name in self._template.required if name not in values), None)
            if missing is not None:
                return self._otherwise(notes, MISSING_VALUE, f"'{missing}' is missing")
            text = self._template.fill(values)
        except Exception as error:  # noqa: BLE001  values are the caller's and can raise anything; the till goes on
            return self._otherwise(notes, BROKEN_TEXT, f"{type(error).__name__} while the text was filled")
        if len(text) > LONGEST_OUTPUT:
            return self._otherwise(notes, LONG_TEXT, f"the text would have {len(text):,} characters")
        return text

    def _values(self, template: Template, look_up: LookUp, notes: list[Diagnostic]) -> dict[str, str]:
        values: dict[str, str] = {}
        for name in template.reads:
            value = look_up(name)
            text = None if value is None else as_text(value)
            if text is not None:
                values[name] = text
            elif value is not None:
                message = f"a {type(value).__name__} that cannot stand in the text of {self._place}"
                notes.append(Diagnostic(UNUSABLE_VALUE, name, message))
        return values

    def _otherwise(self, notes: list[Diagnostic], code: str, message: str) -> str:
        notes.append(Diagnostic(code, self._place, f"{message}: its text of 'otherwise' is shown"))
        return self._instead


def compile_content(entry: JsonObject, locales: Locales) -> Content:
    """The content of an offer's entry: its fields `content`, and `otherwise` for texts that cannot be filled.

    Raises:
        ValueError: a field is none.
    """
    otherwise = cast("JsonObject", entry.get("otherwise") or {})
    return Content(cast("JsonObject", entry["content"]), otherwise, locales)


def _known_type(name: str, value: Json) -> str:
    kind = type_of(value)
    if kind is None:
        raise ValueError(f"field '{name}' is neither a text, a number, true or false, nor an asset")
    return kind
