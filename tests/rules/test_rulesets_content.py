"""What `check` says about the content of offers and the locales of a rule set."""

from __future__ import annotations

from typing import Any

import pytest

from nearwise_rules.logic import Dialect
from nearwise_rules.rulesets import assemble
from nearwise_rules.rulesets.conditions import Conditions
from nearwise_rules.rulesets.content import check_content, types_of
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.files import Sources
from nearwise_rules.rulesets.parts import FileProblem, Part
from nearwise_rules.rulesets.references import References

TYPES = {"store.name": "string", "basket.total": "number", "basket.items": "list", "app": "object", "since": "datetime"}
SETTINGS: dict[str, Any] = {"name": "shop", "locales": {"default": "en", "fallbacks": {"pt-BR": ["es"]}}}
IMAGE = {"asset": "img/coffee.webp", "sha256": "0a" * 32, "bytes": 1234, "type": "image/webp"}


def told(content: Any, otherwise: Any = None) -> list[tuple[str, str, str]]:
    """Code, place and sentence of every problem of an offer with this content."""
    found: list[FileProblem] = []
    document = {"content": content} | ({} if otherwise is None else {"otherwise": otherwise})
    draft = Draft(SETTINGS, Sources(), Conditions(Dialect.SAFE, TYPES), References())
    check_content(Part("offers/a.yaml", "", document, found.append), draft)
    return [(problem.code, problem.pointer, problem.message) for problem in found]


def codes(content: Any, otherwise: Any = None) -> list[tuple[str, str]]:
    return [(code, place) for code, place, _ in told(content, otherwise)]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"title": "Coffee", "price": 2.5, "loud": True, "image": IMAGE},
        {"title": {"en-GB": "Coffee", "en": "Coffee", "pl": "Kawa"}, "image": {"en": IMAGE, "pl": IMAGE}},
        {"title": "Open until {{ now.hour }}"},
        {"title": "{{ store.name }}{{^ store.name }}Us{{/ store.name }}"},
        {"title": "{{ app.name }}{{^ app.name }}It{{/ app.name }}: {{ now.date }}"},
        {"image": {**IMAGE, "asset": "https://cdn.example/coffee.webp"}},
    ],
)
def test_good_content_has_no_problem(content: Any) -> None:
    assert told(content) == []


def test_a_text_with_a_fallback_in_its_language_has_no_problem() -> None:
    text = {"en": "At {{ store.name }}", "pt-BR": "Em {{ store.name }}"}
    assert told({"body": text}, {"body": "Today"}) == []
    assert told({"body": text}, {"body": {"en": "Today", "es": "Hoy"}}) == []
    assert told({"body": "At {{ store.name }}"}, {"body": {"en": "Today", "pl": "Dziś"}}) == []


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("At {{ store.nmae }}", "unknown_attribute", "unknown attribute 'store.nmae' (did you mean 'store.name'?)"),
        ("{{ basket.items }}", "placeholder_type", "'basket.items' is a list, which cannot stand in a text"),
        ("{{ since }}", "placeholder_type", "'since' is a datetime, which cannot stand in a text"),
        ("{{ basket }}", "placeholder_type", "'basket' is a group of attributes, which cannot stand in a text"),
        ("At {{ store.name", "bad_template", "'{{' is not closed by '}}'"),
        (
            "Now{{^ store.name }} here{{/ store.name }}",
            "unused_fallback",
            "'{{^ store.name }}' has no '{{ store.name }}' to stand for",
        ),
    ],
)
def test_what_is_wrong_with_a_placeholder_is_told_with_its_place(text: str, code: str, message: str) -> None:
    assert told({"body": {"en": "Today", "pl": text}}, {"body": "Today"})[0] == (code, "/content/body/pl", message)


def test_a_placeholder_that_can_leave_a_hole_is_told() -> None:
    assert told({"body": "At {{ store.name }}"}) == [
        (
            "missing_fallback",
            "/content/body",
            "when 'store.name' is missing there is no text: add one to otherwise.body, or write "
            "{{ store.name }}{{^ store.name }}text{{/ store.name }}",
        )
    ]


def test_a_fallback_in_another_language_only_is_told() -> None:
    found = told({"body": {"en": "At {{ store.name }}", "pl": "W {{ store.name }}"}}, {"body": {"en": "Today"}})
    assert [(code, place) for code, place, _ in found] == [("missing_fallback", "/content/body/pl")]
    assert found[0][2].startswith("when 'store.name' is missing there is no text in 'pl': add one to otherwise.body")


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        ("coffee", "shape", "/content"),
        ({"title": None}, "content_shape", "/content/title"),
        ({"title": ["a"]}, "content_shape", "/content/title"),
        ({"title": {}}, "content_shape", "/content/title"),
        ({"title": {"en": 5}}, "content_shape", "/content/title/en"),
        ({"price": float("inf")}, "content_shape", "/content/price"),
        ({"title": {"en": "a", "english": "b"}}, "bad_locale", "/content/title/english"),
        ({"title": {"en": "a", "pl-PL": "b", "pl_pl": "c"}}, "duplicate_key", "/content/title/pl_pl"),
        ({"title": {"pl": "Kawa"}}, "missing_locale", "/content/title"),
        ({"title": {"en": "a", "pl": IMAGE}}, "mixed_types", "/content/title/pl"),
        ({"title": "a" * 20_001}, "long_text", "/content/title"),
    ],
)
def test_a_field_of_no_known_shape_is_told(content: Any, code: str, place: str) -> None:
    assert codes(content) == [(code, place)]


@pytest.mark.parametrize(
    ("changed", "code", "place"),
    [
        ({"asset": "../coffee.webp"}, "bad_asset", "/asset"),
        ({"asset": "/etc/passwd"}, "bad_asset", "/asset"),
        ({"asset": "file:///etc/passwd"}, "bad_asset", "/asset"),
        ({"asset": "img\\coffee.webp"}, "bad_asset", "/asset"),
        ({"asset": ""}, "bad_asset", "/asset"),
        ({"asset": 7}, "shape", "/asset"),
        ({"sha256": "0A" * 32}, "bad_asset", "/sha256"),
        ({"sha256": "0a"}, "bad_asset", "/sha256"),
        ({"bytes": 0}, "shape", "/bytes"),
        ({"bytes": 10**9}, "bad_asset", "/bytes"),
        ({"type": "webp"}, "bad_asset", "/type"),
        ({"size": 1}, "unknown_field", "/size"),
        ({"sha256": None}, "missing_field", ""),
    ],
)
def test_a_bad_asset_is_told(changed: dict[str, Any], code: str, place: str) -> None:
    assert codes({"image": {"en": IMAGE, "pl": {**IMAGE, **changed}}}) == [(code, f"/content/image/pl{place}")]


@pytest.mark.parametrize(
    ("otherwise", "code", "place"),
    [
        ({"bdoy": "Today"}, "unknown_field", "/otherwise/bdoy"),
        ({"title": "Coffee"}, "unused_fallback", "/otherwise/title"),
        ({"body": "In {{ now.hour }}"}, "bad_template", "/otherwise/body"),
        ({"body": " "}, "bad_template", "/otherwise/body"),
        ({"body": 7}, "shape", "/otherwise/body"),
        ({"body": {"pl": "Dziś"}}, "missing_locale", "/otherwise/body"),
    ],
)
def test_a_bad_fallback_is_told(otherwise: Any, code: str, place: str) -> None:
    body = "At {{ store.name }}{{^ store.name }}us{{/ store.name }}"
    assert codes({"title": "Coffee", "body": body}, otherwise) == [(code, place)]


def test_the_types_of_fields_are_those_that_placements_ask_for() -> None:
    document: Any = {
        "content": {"title": {"en": "a"}, "image": IMAGE, "price": 2, "loud": True, "odd": [], "none": None}
    }
    part = Part("offers/a.yaml", "", document, lambda _: None)
    assert types_of(part) == {"title": "text", "image": "asset", "price": "number", "loud": "boolean"}


def test_the_locales_of_the_settings_are_checked() -> None:
    def problems(locales: Any) -> list[tuple[str, str]]:
        files: Any = {"nearwise.yaml": {"name": "shop", "locales": locales}}
        return [(problem.code, problem.pointer) for problem in assemble(files).problems]

    assert problems(SETTINGS["locales"]) == []
    assert problems({"default": "english", "fallbacks": {"portuguese": ["pt", "e"]}, "defualt": "en"}) == [
        ("unknown_field", "/locales/defualt"),
        ("bad_locale", "/locales/default"),
        ("bad_locale", "/locales/fallbacks/portuguese"),
        ("bad_locale", "/locales/fallbacks/portuguese/1"),
    ]
    assert problems({"default": 7}) == [("shape", "/locales/default")]
