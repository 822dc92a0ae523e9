"""What an offer says: the fields for a locale, and texts filled with attributes that may be missing."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.content import Content, Locales, compile_content
from nearwise_rules.content.compiling import KEPT_LOCALES, LONGEST_OUTPUT
from nearwise_rules.content.templates import LONGEST_TEXT, MOST_TAGS, parse_template
from nearwise_rules.content.values import LONGEST_VALUE, as_text

IMAGE = {"asset": "img/coffee.webp", "sha256": "0" * 64, "bytes": 1234, "type": "image/webp"}
LOCALES = Locales("en", {"pt-BR": ["pt", "es"]})
COFFEE: dict[str, Any] = {
    "content": {
        "title": {"en": "10 % off coffee", "pl": "Kawa 10 % taniej", "es": "Café"},
        "body": {"en": "Valid today at {{ store.name }}", "pl": "Dziś w {{ store.name }}"},
        "image": {"en": IMAGE, "pl": {**IMAGE, "asset": "img/kawa.webp"}},
        "points": 20,
        "loud": False,
    },
    "otherwise": {"body": {"en": "Valid today", "pl": "Tylko dziś"}},
}


def content_of(text: Any, otherwise: Any = "instead") -> Content:
    return compile_content({"content": {"body": text}, "otherwise": {"body": otherwise}}, LOCALES)


def filled(text: Any, values: dict[str, object] | None = None, locale: str | None = None) -> tuple[object, list[str]]:
    """The text in a locale, and the codes of the diagnostics."""
    fields, diagnostics = content_of(text).render(locale, (values or {}).get)
    return fields["body"], [diagnostic.code for diagnostic in diagnostics]


def fields(locale: str | None, **values: object) -> dict[str, Any]:
    rendered, _ = compile_content(COFFEE, LOCALES).render(locale, {"store.name": "Nowy Świat", **values}.get)
    return rendered


def test_the_fields_are_those_of_the_locale() -> None:
    assert fields("pl-PL") == {
        "title": "Kawa 10 % taniej",
        "body": "Dziś w Nowy Świat",
        "image": {**IMAGE, "asset": "img/kawa.webp"},
        "points": 20,
        "loud": False,
    }


def test_a_field_that_a_locale_lacks_is_that_of_its_fallbacks_then_of_the_default() -> None:
    assert fields("pt-BR")["title"] == "Café"
    assert fields("pt-BR")["body"] == "Valid today at Nowy Świat"
    assert fields("de")["title"] == "10 % off coffee"
    assert fields(None)["title"] == "10 % off coffee"


def test_without_the_default_any_locale_is_better_than_nothing() -> None:
    assert filled({"uk": "Кава", "pl": "Kawa"}) == ("Kawa", [])


def test_types_and_attributes_are_known_without_rendering() -> None:
    content = compile_content(COFFEE, LOCALES)
    assert content.types == {"title": "text", "body": "text", "image": "asset", "points": "number", "loud": "boolean"}
    assert content.reads == {"store.name"}
    assert content_of({"en": "{{a}}{{^ b.c }}x{{/ b.c }}", "pl": "{{ d }}"}).reads == {"a", "b.c", "d"}
    assert content_of("plain").reads == frozenset()


def test_what_has_no_placeholder_is_chosen_once() -> None:
    content = content_of({"en": "ten", "pl": "dziesięć"})
    assert content.render("pl", dict[str, object]().get) is content.render("pl", dict[str, object]().get)
    for number in range(3 * KEPT_LOCALES):
        assert content.render(f"pl-{number}", dict[str, object]().get)[0] == {"body": "dziesięć"}


def test_a_missing_value_gives_the_text_that_is_stated_for_it() -> None:
    text = "See you at {{ store.name }}{{^ store.name }}our shop{{/ store.name }}!"
    assert filled(text, {"store.name": "Nowy Świat"}) == ("See you at Nowy Świat!", [])
    assert filled(text) == ("See you at our shop!", [])


def test_a_missing_value_without_a_text_for_it_gives_that_of_the_field() -> None:
    content = compile_content(COFFEE, LOCALES)
    rendered, (diagnostic,) = content.render("pl", dict[str, object]().get)
    assert rendered["body"] == "Tylko dziś"
    assert (diagnostic.code, diagnostic.place) == ("MISSING_VALUE", "/content/body")
    assert diagnostic.message == "'store.name' is missing: its text of 'otherwise' is shown"


def test_without_any_fallback_the_field_is_empty() -> None:
    content = compile_content({"content": {"body": "at {{ store.name }}"}}, LOCALES)
    assert content.render(None, dict[str, object]().get)[0] == {"body": ""}


@pytest.mark.parametrize(
    "value", ["", "  ", None, True, ["a"], {"a": 1}, float("nan"), 10**20, "x" * (LONGEST_VALUE + 1)]
)
def test_a_value_that_cannot_stand_in_a_text_counts_as_missing(value: object) -> None:
    text, codes = filled("at {{ store.name }}", {"store.name": value})
    assert text == "instead"
    assert codes == ["MISSING_VALUE"] if value is None else ["UNUSABLE_VALUE", "MISSING_VALUE"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Nowy Świat", "Nowy Świat"),
        (0, "0"),
        (12, "12"),
        (-3, "-3"),
        (12.0, "12"),
        (12.4, "12.4"),
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (1e-9, "0"),
        (1234567.5, "1234567.5"),
        (Decimal("12.50"), "12.5"),
        ("a\nb\x1b@\x9b", "a b @ "),
        ("naïve\u200dé", "naïve\u200dé"),
    ],
)
def test_values_stand_in_a_text_on_one_line_and_without_needless_digits(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", ["{{ secret }}", "{{^ a }}x{{/ a }}", "{{=<% %>=}}", "<b>&amp;", "}}", "{{{"])
def test_a_value_is_never_read_as_a_template_and_never_escaped(value: str) -> None:
    assert filled("[{{ name }}]", {"name": value, "secret": "s"}) == (f"[{value}]", [])


@given(st.text(max_size=LONGEST_VALUE), st.text(max_size=30))
def test_any_value_stands_between_its_neighbours_as_it_is(value: str, around: str) -> None:
    around = around.replace("{", "(").replace("\n", " ").replace("\r", " ")
    shown = as_text(value)
    expected: tuple[str, list[str]] = (f"{around}|{shown}|{around}", [])
    if shown is None:
        expected = ("instead", ["UNUSABLE_VALUE", "MISSING_VALUE"])
    assert filled(around + "|{{ name }}|" + around, {"name": value}) == expected


def test_a_look_up_that_fails_gives_the_fallback_and_a_diagnostic() -> None:
    def look_up(_name: str) -> object:
        raise RuntimeError("the app's own")

    rendered, (diagnostic,) = content_of("at {{ store.name }}").render(None, look_up)
    assert rendered == {"body": "instead"}
    assert (diagnostic.code, diagnostic.message) == (
        "BROKEN_TEXT",
        "RuntimeError while the text was filled: its text of 'otherwise' is shown",
    )


def test_a_text_that_was_never_checked_gives_the_fallback_and_a_diagnostic() -> None:
    assert filled("at {{ store.name") == ("instead", ["BROKEN_TEXT"])
    assert filled("{{# a }}x{{/ a }}", {"a": [1]}) == ("instead", ["BROKEN_TEXT"])


def test_a_text_has_bounds() -> None:
    long = "{{ name }}" * MOST_TAGS
    assert filled(long, {"name": "x" * LONGEST_VALUE}) == ("instead", ["LONG_TEXT"])
    assert filled(long, {"name": "x" * (LONGEST_OUTPUT // MOST_TAGS)})[1] == []
    for text in (long + "{{ name }}", "{{ name }}" + " " * LONGEST_TEXT):
        with pytest.raises(ValueError, match="at most 4,000 characters and 40 tags"):
            parse_template(text)


def test_spaces_without_end_cost_no_time() -> None:
    assert filled(" " * (LONGEST_TEXT - 20) + "{{ name }}", {"name": "x"})[1] == []
    assert filled("{{" + " " * (LONGEST_TEXT - 20), {"name": "x"})[1] == ["BROKEN_TEXT"]
    assert filled("{{ a " * MOST_TAGS)[1] == ["BROKEN_TEXT"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at {{ store.name", "'{{' is not closed by '}}'"),
        ("{{ a }} {{^ b }}x", "a '{{^' is not closed by its '{{/'"),
        ("{{^ a }}x{{/ b }}", "'{{/ b }}' closes nothing that is open there"),
        ("{{/ a }}", "'{{/ a }}' closes nothing that is open there"),
        ("{{# a }}x{{/ a }}", "'{{# a }}': the texts of offers have no sections and no loops"),
        ("{{> other }}", "'{{> other }}': the texts of offers include no others"),
        ("{{{ a }}}", "write '{{ a }}': nothing is escaped, so there is no other form"),
        ("{{& a }}", "write '{{ a }}': nothing is escaped, so there is no other form"),
        ("{{=<% %>=}} <% a %>", "the texts of offers keep '{{' and '}}'"),
        ("{{^ a }}{{ b }}{{/ a }}", "a fallback is plain text, without placeholders"),
        ("{{ a }}{{^ a }} {{/ a }}", "an empty fallback would leave a hole"),
        ("{{ store name }}", "'store name' is no name of an attribute"),
        ("{{ . }}", "'.' is no name of an attribute"),
        (
            '{{ a.b | default: "x" }}',
            "'a.b | default: \"x\"' is no attribute; with a text for when it is missing, write "
            "{{ a.b }}{{^ a.b }}text{{/ a.b }}",
        ),
    ],
)
def test_what_offers_do_not_use_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_template(text)
    assert str(refused.value) == message


def test_a_comment_is_no_text() -> None:
    assert filled("a{{! for the translator }}b") == ("ab", [])


def test_what_is_no_field_is_refused_when_compiled() -> None:
    values: list[Any] = [None, [], {}, {"english": "x"}, {"en": None}]
    for value in values:
        with pytest.raises(ValueError, match="field 'body' is neither"):
            content_of(value)


def test_the_library_is_imported_with_the_first_placeholder_that_is_shown() -> None:
    program = (
        "import sys\n"
        "from nearwise_rules.content import Locales, compile_content\n"
        "for text in ('plain', 'with {{ name }}'):\n"
        "    content = compile_content({'content': {'body': text}}, Locales())\n"
        "    print(content.render('en', {'name': 'x'}.get)[0]['body'], 'pystache' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["plain False", "with x True"]
