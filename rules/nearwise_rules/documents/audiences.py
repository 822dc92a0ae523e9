"""Audiences: named lists of subject keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nearwise_rules.documents.values import CLOSED, written_name


@dataclass(frozen=True)
class Audience:
    """What is said of a list of keys beside it, or with `keys` the list itself.

    `except`: keys that are not in it, whatever the list says. `known`: the
    file with all subjects there are, for whom the answer is to be exact. Subjects are in no audience without the
    consent that `purposes` ask for.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {**CLOSED, "alias_generator": written_name}
    description: str = ""
    keys: tuple[str, ...] | None = None
    except_: tuple[str, ...] = ()
    known: str | None = None
    purposes: tuple[str, ...] = ()
