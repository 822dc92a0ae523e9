"""Asking the server for the traits of subjects, one after the other, each when it is his turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast
from urllib.parse import quote

from nearwise.errors import NearwiseError
from nearwise.polling import CallFailed, failure
from nearwise.retries import Backoff
from nearwise.traits import Traits, Turn
from nearwise.transport import Request, Response, Transport

_TRAITS_BYTES = 256 * 1024
_AT_ONCE = 20
"""Subjects that are asked about before the other duties have their turn."""


class Line(NamedTuple):
    """The way to the server: its connection, who asks, and whom to tell what came of it."""

    connection: Callable[[], Transport]
    identity: Callable[[], Mapping[str, str]]
    heard: Callable[[], None]
    complain: Callable[[Exception], None]


class TraitCalls:
    """Keeps traits up to date. One thread calls it; `clock` is its monotonic seconds."""

    def __init__(self, traits: Traits, line: Line, backoff: Backoff, clock: Callable[[], float]) -> None:
        self._traits = traits
        self._line = line
        self._backoff = backoff
        self._clock = clock
        self._not_before = 0.0

    def tick(self) -> float:
        """Ask about whom it is time to; the seconds until it is time again. Never raises."""
        for _ in range(_AT_ONCE):
            turn = self._traits.turn() if self._clock() >= self._not_before else None
            if turn is None:
                break
            try:
                self._ask(turn)
                self._backoff.succeeded()
            except CallFailed as failed:
                self._line.heard()
                self._wait(turn, failed, failed.retry_after)
            except Exception as error:  # noqa: BLE001  the thread outlives whatever a network can give
                self._wait(turn, error)
        return max(self._traits.due_in(), self._not_before - self._clock(), 0.0)

    def _wait(self, turn: Turn, error: Exception, retry_after: str | None = None) -> None:
        seconds = self._backoff.failed(retry_after)
        self._line.complain(error)
        self._not_before = self._clock() + seconds
        self._traits.later(turn.owner, seconds)

    def _ask(self, turn: Turn) -> None:
        """Raises TransportFailed, CallFailed or NearwiseError when there was no usable answer."""
        headers = dict(self._line.identity())
        if turn.etag is not None:
            headers["If-None-Match"] = turn.etag
        path = f"/v1/traits/{quote(turn.owner, safe='')}"
        answer = self._line.connection().send(Request("GET", path, headers, most_bytes=_TRAITS_BYTES))
        if answer.status == 304 and turn.etag is not None:
            self._traits.confirm(turn.owner)
        elif answer.status == 404:
            self._traits.learn(turn.owner, {}, None)
        elif answer.status == 200:
            self._traits.learn(turn.owner, _traits_of(turn.owner, answer), answer.headers.get("etag"))
        else:
            raise failure("traits", answer)
        self._line.heard()


def _traits_of(owner: str, answer: Response) -> Mapping[str, object]:
    """The traits in an answer, which is about this subject.

    Raises:
        NearwiseError: it is not.
    """
    try:
        document = cast("object", json.loads(answer.body))
    except (ValueError, RecursionError):
        document = None
    members = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    traits = members.get("traits")
    if members.get("subject") != owner or not isinstance(traits, dict):
        raise NearwiseError("traits: the server answered something else")
    return cast("Mapping[str, object]", traits)
