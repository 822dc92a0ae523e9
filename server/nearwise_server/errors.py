"""The errors of the server room, split by who can do something about each.

ServerError
├── SettingsInvalid      a setting cannot work: the operator corrects it
├── SigningKeyRefused    the key file is missing, open to others, or not a key: the operator corrects it
├── KeyRefused           an API key cannot be made as asked: the operator corrects it
├── ChannelRefused       a channel cannot be made as asked: the operator corrects it
├── StoreUnusable        the database cannot be used by this version: the operator corrects it
├── RuleSetRefused       the author's files have problems: all are listed, each with its place
├── ChildEnded           a process that shared the work has ended early: try again with fewer
└── RequestRefused       a request cannot be served: the caller reads status, code and detail
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


class ServerError(Exception):
    """Base of every error that nearwise_server raises on purpose."""


class SettingsInvalid(ServerError):
    """A setting has a value that cannot work."""


class SigningKeyRefused(ServerError):
    """The file of the private signing key cannot be used."""


class KeyRefused(ServerError):
    """An API key cannot be made as asked."""


class ChannelRefused(ServerError):
    """A channel cannot be made as asked."""


class StoreUnusable(ServerError):
    """The database cannot be opened, or was written by a newer version."""


class ChildEnded(ServerError):
    """A process that shared the work has ended before it was done; it has said why on standard error."""


class RuleSetRefused(ServerError):
    """A rule set was not published; `problems` are JSON objects with file, line, column, code and message."""

    def __init__(self, problems: Iterable[Mapping[str, object]]) -> None:
        self.problems = tuple(dict(problem) for problem in problems)
        super().__init__(f"{len(self.problems)} problems")


class RequestRefused(ServerError):
    """A request that is answered with application/problem+json (RFC 9457).

    `code` is stable and becomes the last part of `type`; `detail` is a sentence for people; `more` are further
    members of the problem document; `headers` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        more: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = tuple(headers)
        self.more = dict(more or {})
        super().__init__(f"{status} {code}: {detail}")


def too_large(limit_bytes: int) -> RequestRefused:
    """A body or batch over a limit in bytes; the limit goes along so that the caller can send less."""
    return RequestRefused(413, "too_large", f"at most {limit_bytes} bytes", more={"limit": limit_bytes})


def try_later(seconds: int, detail: str) -> RequestRefused:
    """The server has enough to do; `seconds` go out as Retry-After."""
    return RequestRefused(429, "try_later", detail, headers=(("Retry-After", str(max(1, seconds))),))
