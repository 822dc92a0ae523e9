"""Golden cases: questions whose answers an author fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED, Json


@dataclass(frozen=True)
class Expectation:
    """What a golden case demands; only the fields that are given are compared. `items`: the keys of a placement's.

    `fires`: whether a trigger gave an action, or how many; `payload` and `channel` are those of its last.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    variant: str | None = None
    value: Json = None
    reason: str | None = None
    items: tuple[str, ...] | None = None
    fires: bool | int | None = None
    payload: Mapping[str, Json] | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Happening:
    """Something that a case's subject did: an event at a time, with its value and properties."""

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    event: str
    at: str
    value: float = 0.0
    properties: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True)
class Case:
    """A golden case: a context and the decision it must give. Runs in `check` and on a device before activation.

    It asks a `flag` or a `placement`, or lets `events` happen one after the other and then looks, at `at`, what a
    `trigger` did. Beside the context it can say what the device knows: the purposes that the
    subject consents to beside what everybody does, what happened before, signals and traits.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = CLOSED
    name: str
    expect: Expectation
    flag: str | None = None
    placement: str | None = None
    trigger: str | None = None
    events: tuple[Happening, ...] = ()
    subject: str | None = None
    context: Mapping[str, Json] = field(default_factory=dict[str, Json])
    at: str | None = None
    consent: tuple[str, ...] = ()
    history: tuple[Happening, ...] = ()
    signals: Mapping[str, Json] = field(default_factory=dict[str, Json])
    traits: Mapping[str, Json] = field(default_factory=dict[str, Json])
