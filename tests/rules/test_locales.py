"""Which texts are tried for a locale, in which order."""

from __future__ import annotations

import pytest

from nearwise_rules.content import Locales, locale_chain
from nearwise_rules.content.locales import is_locale

LOCALES = Locales.of({"locales": {"default": "en-GB", "fallbacks": {"pt-BR": ["pt", "es"], "es": ["ca_ES"]}}})


@pytest.mark.parametrize(
    ("locale", "chain"),
    [
        ("pl-PL", ("pl-pl", "pl", "en-gb", "en")),
        ("PL_pl", ("pl-pl", "pl", "en-gb", "en")),
        ("pl_PL.UTF-8", ("pl-pl", "pl", "en-gb", "en")),
        ("sr_RS@latin", ("sr-rs", "sr", "en-gb", "en")),
        ("zh-Hant-TW", ("zh-hant-tw", "zh-hant", "zh", "en-gb", "en")),
        ("pt-BR", ("pt-br", "pt", "es", "en-gb", "en")),
        ("es-MX", ("es-mx", "es", "ca-es", "ca", "en-gb", "en")),
        ("en", ("en", "en-gb")),
        (None, ("en-gb", "en")),
        ("C", ("en-gb", "en")),
        ("", ("en-gb", "en")),
        ("en" + "-x" * 100, ("en-gb", "en")),
    ],
)
def test_a_locale_falls_back_to_its_parents_then_as_declared_then_to_the_default(
    locale: str | None, chain: tuple[str, ...]
) -> None:
    assert locale_chain(locale, LOCALES) == chain


def test_the_default_locale_is_english_when_none_is_declared() -> None:
    assert locale_chain("de", Locales.of({"name": "shop"})) == ("de", "en")


def test_a_locale_is_told_from_another_key() -> None:
    assert all(map(is_locale, ["en", "pl-PL", "pl_pl", "gsw", "zh-Hant-TW", "es-419"]))
    assert not any(map(is_locale, ["", "english", "asset", "text", "e", "en-", "en--GB", "en GB", "12", "ên"]))
