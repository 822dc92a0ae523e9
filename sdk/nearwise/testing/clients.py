"""A client for tests: rules from a mapping or a folder, a clock that stands still, flags that can be forced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from math import isfinite
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from msgpack import unpackb  # pyright: ignore[reportUnknownVariableType]

from nearwise.client import Client
from nearwise.decisions import Decision
from nearwise.errors import SettingsInvalid
from nearwise.settings import Settings
from nearwise.shelf import Active
from nearwise.testing.rule_sets import ISSUED, Source, packed_bundle, rule_set_files, signer
from nearwise_rules import Outcome, Reason, owner_of, public_key_text

if TYPE_CHECKING:
    from typing import Self

    from nearwise_rules import Json, JsonObject

Moment = str | float | datetime
"""An ISO 8601 time (in the rule set's zone unless it names an offset), Unix seconds, or a datetime."""


class LocalClient(Client):
    """A client without a server and without a folder. Make it with `client_from`."""

    def __init__(self, packed: bytes, zone: str, now: Moment | None) -> None:
        self._zone = zone
        self._forced: dict[str, Json] = {}
        self.now = ISSUED if now is None else self._seconds(now)
        with tempfile.TemporaryDirectory() as folder:
            seed = os.path.join(folder, "rules.bundle")
            with open(seed, "wb") as file:
                file.write(packed)
            super().__init__(seed=seed, trust=public_key_text(signer().public_key), settings=self._still())
        self._engine.shelf.on_change = self._switch
        self._engine.triggers.wake = self._engine.triggers.tick
        self._decide = self._desk.decide
        self._desk.decide = self._decide_or_force

    def _still(self) -> Settings:
        return Settings(device="testing", clock=lambda: self.now, collect=())

    def _seconds(self, moment: Moment) -> float:
        if isinstance(moment, int | float):
            if not isfinite(moment):
                raise SettingsInvalid(f"{moment!r} is no time: Unix seconds are a finite number")
            return float(moment)
        try:
            at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        except ValueError:
            raise SettingsInvalid(f"{moment!r} is no ISO 8601 time, such as 2026-11-23T08:10") from None
        return (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(self._zone))).timestamp()

    def at(self, now: Moment) -> Self:
        """Set the clock, and let the triggers do what is due by it.

        Raises:
            SettingsInvalid: a text or a number that is no time.
        """
        self.now = self._seconds(now)
        self._engine.triggers.tick()
        return self

    def override(self, flag: str, value: Json) -> None:
        """Give a flag this value from now on, whatever its rules say.

        Raises:
            SettingsInvalid: the rule set has no such flag.
        """
        release = self._engine.shelf.active.release
        known = () if release is None else release.flag_keys
        if flag not in known:
            if release is not None and release.has_placement(flag):
                raise SettingsInvalid(
                    f"{flag!r} is a placement: only flags can be forced; give it other offers instead"
                )
            near = get_close_matches(flag, known, 1, 0.0)
            raise SettingsInvalid(f"there is no flag {flag!r}{f'; the nearest is {near[0]!r}' if near else ''}")
        self._forced[flag] = value

    def traits(self, subject: object, traits: Mapping[str, object]) -> None:
        """Let the centre have said this of a subject. Rules read what he consents to."""
        tokens = self._tokens
        self._engine.noticed.traits.put(owner_of(subject if tokens is None else tokens.of(subject)), traits)

    def restore(self, flag: str | None = None) -> None:
        """Let the rules decide a flag again; all flags when None."""
        if flag is None:
            self._forced.clear()
        else:
            self._forced.pop(flag, None)

    @property
    def events(self) -> list[dict[str, object]]:
        """Every event recorded so far, as the server would read it, in order."""
        self._engine.exposures.flush()
        return [cast("dict[str, object]", unpackb(payload)) for payload in self._engine.outbox.waiting()]

    def _decide_or_force(
        self, flag: str, data: Mapping[str, object], subject: object, at: float, default: Json, owner: object, /
    ) -> Decision:
        if not isinstance(flag, str) or flag not in self._forced:  # pyright: ignore[reportUnnecessaryIsInstance]
            return self._decide(flag, data, subject, at, default, owner)
        value = self._forced[flag]
        outcome = Outcome(
            flag, Reason.STATIC, value=value, variant="override", bundle_version=self._engine.shelf.version
        )
        return Decision((outcome, value, at, subject, (), owner))

    def _switch(self, active: Active) -> None:
        self._decide = active.decide


def client_from(source: Source, *, now: Moment | None = None) -> LocalClient:
    """A client that decides by a rule set and nothing else, at a clock that stands still.

    Args:
        source: a folder, its files by path, or the short form `{"flags": {...}, "attributes": {...}, ...}`.
        now: the clock; 2026-01-01 when None.

    Raises:
        RuleSetInvalid: the rule set has problems; all are listed.
        SettingsInvalid: `now` is a text that is no time.
    """
    files = rule_set_files(source)
    settings = cast("JsonObject", next((files[path] for path in files if path.startswith("nearwise.")), None) or {})
    return LocalClient(packed_bundle(files), str(settings.get("zone", "UTC")), now)
