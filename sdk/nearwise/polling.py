"""Asking the server for a newer bundle: manifest by ETag, then a delta or the whole, verified, then put to work."""

from __future__ import annotations

from collections.abc import Mapping

from nearwise.errors import NearwiseError
from nearwise.problems import problem_detail
from nearwise.shelf import Shelf
from nearwise.transport import Request, Response, Transport
from nearwise_rules import Bundle, BundleRefused, Manifest, apply_delta, open_bundle, open_manifest, pack_bundle

_MANIFEST_BYTES = 256 * 1024
_KEY_REFUSED = frozenset({401, 403})


class CallFailed(NearwiseError):
    """The server answered, but not with what was asked for. `retry_after` is its header's text."""

    def __init__(self, what: str, answer: Response) -> None:
        self.status = answer.status
        self.retry_after = answer.headers.get("retry-after")
        detail = problem_detail(answer)
        super().__init__(f"{what}: the server answered {answer.status}{detail and f': {detail}'}")


class KeyRefused(CallFailed):
    """The server does not take this key: nothing is sent until it does."""


def failure(what: str, answer: Response) -> CallFailed:
    """The error for an answer: is it the key, or something else?"""
    return (KeyRefused if answer.status in _KEY_REFUSED else CallFailed)(what, answer)


class Poller:
    """Keeps a shelf up to date. One thread calls it."""

    def __init__(self, transport: Transport, shelf: Shelf, identity: Mapping[str, str]) -> None:
        """`identity`: the headers that say which device and SDK asks."""
        self.downloaded = False
        self._transport = transport
        self._shelf = shelf
        self._identity = identity
        self._etag: str | None = None
        self._refused: tuple[int, str] | None = None

    def poll(self) -> None:
        """Ask once. A new bundle decides when this returns; `downloaded` tells whether bytes of one came.

        Raises:
            TransportFailed, CallFailed: no usable answer; ask again later.
            BundleRefused: what came may not be used; the old bundle goes on.
        """
        self.downloaded = False
        headers = {**self._identity, "Nearwise-Bundle": str(self._shelf.version)}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        answer = self._transport.send(Request("GET", "/v1/manifest", headers, most_bytes=_MANIFEST_BYTES))
        if answer.status == 304 and self._etag is not None:
            self._hear(answer)
            return
        if answer.status != 200:
            raise failure("manifest", answer)
        self._follow(answer)

    def _follow(self, answer: Response) -> None:
        shelf = self._shelf
        manifest = open_manifest(answer.body, shelf.verified(), shelf.limits)
        self._hear(answer)
        if (manifest.version, manifest.root) == self._refused:
            return  # its golden cases failed here; it is asked for again when it changes
        try:
            if shelf.check(manifest):
                self._take(manifest, *self._fetch(manifest, answer.body))
        except BundleRefused as refused:
            shelf.refused = f"version {manifest.version}: {refused}"
            raise
        self._etag = answer.headers.get("etag")
        self._refused = None
        shelf.refused = None

    def _take(self, manifest: Manifest, bundle: Bundle, packed: bytes | None) -> None:
        try:
            self._shelf.take(bundle, packed)
        except BundleRefused:
            self._refused = (manifest.version, manifest.root)
            raise

    def _hear(self, answer: Response) -> None:
        from email.utils import parsedate_to_datetime

        try:
            self._shelf.hear(parsedate_to_datetime(answer.headers.get("date", "")).timestamp())
        except ValueError:
            return

    def _fetch(self, manifest: Manifest, envelope: bytes) -> tuple[Bundle, bytes | None]:
        """The bundle of a verified manifest by the shortest way, and its file if it came whole."""
        base = self._shelf.bundle
        if base is not None and base.manifest.root == manifest.root:
            return self._rewrap(base, envelope)
        self.downloaded = True
        if base is not None:
            changed = self._delta(base, manifest, envelope)
            if changed is not None:
                return changed, None
        return self._whole(manifest, envelope)

    def _delta(self, base: Bundle, manifest: Manifest, envelope: bytes) -> Bundle | None:
        path = f"/v1/deltas/{base.manifest.root}/{manifest.root}"
        limits = self._shelf.limits
        answer = self._transport.send(Request("GET", path, self._identity, most_bytes=limits.max_delta_bytes))
        if answer.status != 200:
            return None
        try:
            return apply_delta(base, answer.body, envelope, self._shelf.verified(), limits)
        except BundleRefused:
            return None  # a delta needs no trust and deserves no blame: the whole bundle decides

    def _whole(self, manifest: Manifest, envelope: bytes) -> tuple[Bundle, bytes]:
        path, limits = f"/v1/bundles/{manifest.root}", self._shelf.limits
        answer = self._transport.send(Request("GET", path, self._identity, most_bytes=limits.max_bundle_bytes))
        if answer.status != 200:
            raise failure("bundle", answer)
        bundle = open_bundle(answer.body, self._shelf.verified(), limits)
        if bundle.envelope == envelope:
            return bundle, answer.body
        return self._rewrap(bundle, envelope)

    def _rewrap(self, bundle: Bundle, envelope: bytes) -> tuple[Bundle, bytes]:
        """The same content under another manifest: a version that publishes old content again."""
        packed = pack_bundle(envelope, bundle.entries())
        return open_bundle(packed, self._shelf.verified(), self._shelf.limits), packed
