"""Golden cases: questions whose answers an author fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED, Json


@dataclass(frozen=True)
class Expectation:
    """What a golden case demands; only the fields that are given are compared."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    variant: str | None = None
    value: Json = None
    reason: str | None = None


@dataclass(frozen=True)
class Case:
    """A golden case: a context and the decision it must give. Runs in `check` and on a device before activation."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    name: str
    flag: str
    expect: Expectation
    subject: str | None = None
    context: Mapping[str, Json] = field(default_factory=dict[str, Json])
    at: str | None = None
