"""The languages of a rule set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED


@dataclass(frozen=True)
class LocaleSettings:
    """`locales` of `nearwise.yaml`: the locale that every text has, and what is tried where a locale has none."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    default: str = "en"
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
