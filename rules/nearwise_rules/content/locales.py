"""Locales: which texts are tried for one, in which order.

Tags are BCP 47-like and compared without regard to case; `_` stands for `-`, and what follows a `.` or `@` of a POSIX
locale is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from nearwise_rules.records import Record

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject

LONGEST_TAG = 64
"""A longer locale is none: it comes from the app's context."""

DEFAULT_LOCALE = "en"

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.ASCII)


class Locales(Record):
    """The default locale of a rule set, and the declared fallbacks of others, by normal tags."""

    __slots__ = ("default", "fallbacks")
    default: str
    fallbacks: Mapping[str, tuple[str, ...]]

    def __init__(self, default: str = DEFAULT_LOCALE, fallbacks: Mapping[str, Iterable[str]] | None = None) -> None:
        declared = {normal_tag(tag): tuple(map(normal_tag, others)) for tag, others in (fallbacks or {}).items()}
        self._fix(default=normal_tag(default), fallbacks=declared)

    @classmethod
    def of(cls, settings: JsonObject) -> Locales:
        """The locales of a rule set's settings."""
        document = cast("JsonObject", settings.get("locales") or {})
        fallbacks = cast("Mapping[str, list[str]] | None", document.get("fallbacks"))
        return cls(str(document.get("default") or DEFAULT_LOCALE), fallbacks)


def normal_tag(text: str) -> str:
    """A tag as it is compared: `pl_PL.UTF-8` is `pl-pl`."""
    return re.split("[.@]", text, maxsplit=1)[0].replace("_", "-").lower()


def is_locale(text: str) -> bool:
    """Whether a text looks like a locale: a language of two or three letters, and what narrows it."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text.replace("_", "-").lower()) is not None


def related_tags(locale: str, locales: Locales) -> tuple[str, ...]:
    """The tags that stand for a locale: itself, its parents, then the declared fallbacks of these and their parents."""
    own = tuple(_parents(normal_tag(locale)))
    declared = [tag for each in own for other in locales.fallbacks.get(each, ()) for tag in _parents(other)]
    return tuple(dict.fromkeys((*own, *declared)))


def locale_chain(locale: str | None, locales: Locales) -> tuple[str, ...]:
    """The tags to try for a locale, in order: those that stand for it, then the default and its parents."""
    usable = locale is not None and is_locale(normal_tag(locale))
    related = related_tags(locale, locales) if locale is not None and usable else ()
    return tuple(dict.fromkeys((*related, *_parents(locales.default))))


def _parents(tag: str) -> Iterator[str]:
    """A tag and its parents: zh-hant-tw, zh-hant, zh."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
