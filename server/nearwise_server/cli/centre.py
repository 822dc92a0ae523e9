"""A centre as the command talks to it: one method per request, refusals as sentences."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import cast
from urllib.parse import urlencode

import httpx

from nearwise_rules import JsonObject
from nearwise_server.authoring import LocatedProblem
from nearwise_server.cli.errors import REFUSED, CommandFailed
from nearwise_server.media_types import JSON_LINES_TYPE

_PAGE = 500
_NOT_FOUND, _UNPROCESSABLE = 404, 422


class ContentRejected(CommandFailed):
    """The centre found problems in what was sent: those of a rule set are the same that `check` finds."""

    def __init__(self, problems: tuple[LocatedProblem, ...]) -> None:
        self.problems = problems
        super().__init__("the centre refused what was sent", REFUSED)


class NotThere(CommandFailed):
    """The centre does not have what it was asked for."""


class CentreClient:
    """Talks to one centre with one key; close it, or use it in a `with`."""

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise CommandFailed(f"'{url}' is no URL of a centre: it begins with http:// or https://")
        # A device key carries the pin of the signing key as its last part, which no request needs.
        secret = ".".join(key.strip().split(".")[:3])
        try:
            self._http = httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=60.0, transport=transport
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise CommandFailed(f"'{url}' is no URL of a centre: {error}") from error
        self._url = url

    def __enter__(self) -> CentreClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def publish(self, files: Mapping[str, str], note: str) -> JsonObject:
        """Publish the texts of a rule set.

        Raises:
            ContentRejected: with the problems that the centre found.
            CommandFailed: anything else that went wrong.
        """
        return self._ask("POST", "/v1/bundles", {"files": dict(files), **({"note": note} if note else {})})

    def roll_back(self, to: int, note: str) -> JsonObject:
        """Publish the content of version `to` again."""
        return self._ask("POST", "/v1/rollback", {"to": to, **({"note": note} if note else {})})

    def bundle(self) -> bytes:
        """The newest published bundle, as devices fetch and verify it."""
        envelope = _json(self._send("GET", "/v1/manifest"))
        try:
            payload = json.loads(base64.b64decode(str(envelope.get("payload"))))
            root = str(payload["root"])
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(f"{self._url} gave no manifest: is it a centre?", REFUSED) from error
        return self._send("GET", f"/v1/bundles/{root}").content

    def content(self, root: str) -> bytes | None:
        """A bundle by the root hash of its content; None when the centre never had it."""
        try:
            return self._send("GET", f"/v1/bundles/{root}").content
        except NotThere:
            return None

    def versions(self, most: int) -> list[JsonObject]:
        """The newest published versions."""
        return _rows(self._ask("GET", f"/v1/bundles?limit={most}"), "bundles")

    def devices(self) -> Iterator[JsonObject]:
        """All devices, page by page."""
        return self._pages("devices")

    def events(self) -> Iterator[JsonObject]:
        """All stored events in the order of arrival, page by page."""
        return self._pages("events")

    def _pages(self, name: str) -> Iterator[JsonObject]:
        after = ""
        while True:
            page = self._ask("GET", f"/v1/{name}?limit={_PAGE}{after}")
            yield from _rows(page, name)
            if page.get("next") is None:
                return
            after = f"&after={page['next']}"

    def summary(self) -> JsonObject:
        """Counts of what is stored."""
        return self._ask("GET", "/v1/summary")

    def deliveries(self, state: str | None, channel: str | None, most: int) -> list[JsonObject]:
        """The newest deliveries, of one state or channel if given."""
        query = {"limit": str(most), "state": state, "channel": channel}
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        return _rows(self._ask("GET", f"/v1/deliveries?{asked}"), "deliveries")

    def retry(self, delivery: int) -> int:
        """Have one delivery tried again; how many that are."""
        return _count(self._ask("POST", f"/v1/deliveries/{delivery}/retry"), "retried")

    def retry_dead(self, channel: str | None) -> int:
        """Have all dead deliveries tried again, or those of one channel; how many."""
        content = {} if channel is None else {"channel": channel}
        return _count(self._ask("POST", "/v1/deliveries/retry", content), "retried")

    def put_traits(self, lines: Iterable[bytes]) -> int:
        """Replace the traits of many subjects, a line of JSON for each; how many there are.

        Raises:
            ContentRejected: with the line, counted from 1, of each problem; nothing of these lines was stored.
            CommandFailed: anything else that went wrong.
        """
        return _count(_json(self._send("POST", "/v1/traits", lines=b"\n".join(lines))), "stored")

    def erase(self, subject: str) -> JsonObject:
        """Ask to erase a subject; the receipt as it stands."""
        return self._ask("POST", "/v1/erasures", {"subject": subject})

    def _ask(self, method: str, path: str, content: object = None) -> JsonObject:
        return _json(self._send(method, path, content))

    def _send(self, method: str, path: str, content: object = None, *, lines: bytes | None = None) -> httpx.Response:
        headers = None if lines is None else {"Content-Type": JSON_LINES_TYPE}
        try:
            response = self._http.request(method, path, json=content, content=lines, headers=headers)
        except httpx.HTTPError as error:
            raise CommandFailed(f"{self._url} does not answer: {error}") from error
        if response.is_success:
            return response
        answer = _json(response)
        problems = answer.get("problems")
        if response.status_code == _UNPROCESSABLE and isinstance(problems, list):
            raise ContentRejected(tuple(map(_problem, cast("list[JsonObject]", problems))))
        detail = answer.get("detail") or answer.get("title") or response.reason_phrase
        message = f"{self._url} refused ({response.status_code}): {detail}"
        raise (NotThere if response.status_code == _NOT_FOUND else CommandFailed)(message, REFUSED)


def _json(response: httpx.Response) -> JsonObject:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return cast("JsonObject", answer) if isinstance(answer, dict) else {}


def _count(answer: JsonObject, name: str) -> int:
    count = answer.get(name)
    return count if isinstance(count, int) else 0


def _rows(answer: JsonObject, name: str) -> list[JsonObject]:
    rows = answer.get(name)
    return cast("list[JsonObject]", rows) if isinstance(rows, list) else []


def _problem(row: JsonObject) -> LocatedProblem:
    line, column = (int(str(row.get(name) or 0)) for name in ("line", "column"))
    return LocatedProblem(str(row.get("file")), line, column, str(row.get("code")), str(row.get("message")))
