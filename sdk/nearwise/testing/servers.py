"""A server in memory, behind the same transport as the real one: publish, decide, fail on demand, read the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from hashlib import sha256
from threading import Lock
from time import time
from typing import NamedTuple
from urllib.parse import unquote

from nearwise.testing.rule_sets import Source, packed_bundle, rule_set_files, signer
from nearwise.transport import Request, Response, TransportFailed
from nearwise_rules import (
    Bundle,
    BundleRefused,
    Event,
    Rejected,
    SealedBatch,
    Trust,
    decode_batch,
    erasure_digest,
    open_bundle,
    pack_delta,
    public_key_text,
)

_Key = tuple[str, str, int]


class Delivered(NamedTuple):
    """One event as it arrived: whose, its number, and what it says."""

    device: str
    epoch: str
    sequence: int
    type: str
    at: int
    subject: str | None
    bundle: int | None
    fields: Mapping[str, object]


class MemoryServer:
    """Give it to `Client` in place of the address, and `public_key` as `trust`. Safe from any thread."""

    def __init__(self, source: Source | None = None) -> None:
        """With a rule set, it is published as version 1."""
        self.public_key = public_key_text(signer().public_key)
        self.offline = False
        self.requests: list[Request] = []
        self.duplicates = 0
        self._trust = Trust.pinned(self.public_key)
        self._lock = Lock()
        self._bundles: list[Bundle] = []
        self._files: dict[str, bytes] = {}
        self._batches: dict[_Key, SealedBatch] = {}
        self._receipts: dict[str, dict[str, object]] = {}
        self._traits: dict[str, str | None] = {}
        self._faults: list[Response | Callable[[Request], Response]] = []
        if source is not None:
            self.publish(source)

    def publish(self, source: Source, *, expires: float | None = None) -> int:
        """Publish a rule set as the next version, and return that.

        Raises:
            RuleSetInvalid: the rule set has problems.
        """
        with self._lock:
            newest = self._bundles[-1] if self._bundles else None
            version = 1 if newest is None else newest.manifest.version + 1
            files = rule_set_files(source)
            packed = packed_bundle(files, version=version, issued=time(), expires=expires, previous=newest)
            self.publish_bytes(packed)
            return version

    def publish_bytes(self, packed: bytes) -> None:
        """Publish a bundle file that another tool made."""
        bundle = open_bundle(packed, self._trust)
        self._bundles.append(bundle)
        self._files.setdefault(bundle.manifest.root, packed)

    def traits(self, subject: str, traits: Mapping[str, object] | None) -> None:
        """Know this of a subject from now on; None: nothing."""
        with self._lock:
            self._traits[subject] = None if traits is None else json.dumps(traits)

    def fail(self, *answers: int | Response | Callable[[Request], Response]) -> None:
        """Answer the next requests with these, one each: a status, a response, or what a function makes of it.

        A status comes with the server's own problem document; what a captive portal says is a `Response`.
        """
        with self._lock:
            self._faults += [_problem(each, "on_demand") if isinstance(each, int) else each for each in answers]

    @property
    def events(self) -> list[Delivered]:
        """Every stored event, by device, epoch and sequence; rejected ones are left out."""
        with self._lock:
            batches = [self._batches[key] for key in sorted(self._batches)]
        return [
            _delivered(batch, event) for batch in batches for event in batch.events if not isinstance(event, Rejected)
        ]

    def send(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            TransportFailed: the server is `offline`.
        """
        with self._lock:
            self.requests.append(request)
            if self.offline:
                raise TransportFailed("the server is offline")
            if self._faults:
                fault = self._faults.pop(0)
                return fault if isinstance(fault, Response) else fault(request)
            return self.answer(request)

    def answer(self, request: Request) -> Response:
        """What a healthy server says; for functions given to `fail` that let a request through."""
        head, _, rest = request.path.removeprefix("/v1/").partition("/")
        if head == "manifest":
            return self._manifest(request)
        if head == "bundles":
            packed = self._files.get(rest)
            return _not_found() if packed is None else Response(200, {}, packed)
        if head == "deltas":
            return self._delta(*rest.split("/"))
        if head == "erasures":
            return self._erasure(rest)
        if head == "traits":
            return self._traits_of(unquote(rest), request.headers.get("If-None-Match"))
        return self._batch(request) if head == "batches" else _not_found()

    def _manifest(self, request: Request) -> Response:
        if not self._bundles:
            return _not_found()
        manifest = self._bundles[-1].manifest
        headers = {"etag": f'"{manifest.version}-{manifest.root[:16]}"', "date": formatdate(time(), usegmt=True)}
        if request.headers.get("If-None-Match") == headers["etag"]:
            return Response(304, headers, b"")
        return Response(200, headers, self._bundles[-1].envelope)

    def _delta(self, base: str, target: str) -> Response:
        found = {bundle.manifest.root: bundle for bundle in self._bundles}
        delta = pack_delta(found[base], found[target]) if base in found and target in found else None
        return _not_found() if delta is None else Response(200, {}, delta)

    def _batch(self, request: Request) -> Response:
        try:
            batch = decode_batch(request.body)
        except BundleRefused as refused:
            return _problem(422, "bad_batch", str(refused))
        key = (batch.device, batch.epoch, batch.first)
        duplicate = key in self._batches
        self.duplicates += duplicate
        stored = self._batches.setdefault(key, batch)
        if not duplicate:
            self._erase(batch)
        answer = {
            "device": batch.device,
            "epoch": batch.epoch,
            "stored": True,
            "duplicate": duplicate,
            "high_water": self._high_water(batch.device, batch.epoch),
            "rejected": [
                {"index": event.index, "reason": event.reason} for event in stored.events if isinstance(event, Rejected)
            ],
            "missing": [],
        }
        return Response(200, {"content-type": "application/json"}, json.dumps(answer).encode())

    def _erase(self, batch: SealedBatch) -> None:
        """Carry out the erasures that a batch asks for."""
        asked = [event.fields for event in batch.events if isinstance(event, Event) and event.type == "erasure"]
        digests = {str(fields["digest"]) for fields in asked}
        count = 0
        for key, stored in self._batches.items() if asked else ():
            kept = tuple(_without(event, digests) for event in stored.events)
            count += sum(old is not new for old, new in zip(stored.events, kept, strict=True))
            self._batches[key] = replace(stored, events=kept)
        for fields in asked:
            self._receipts[str(fields["id"])] = {**fields, "status": "done", "events": count}

    def _erasure(self, number: str) -> Response:
        receipt = self._receipts.get(number)
        return _not_found() if receipt is None else Response(200, {}, json.dumps(receipt).encode())

    def _traits_of(self, subject: str, known: str | None) -> Response:
        traits = self._traits.get(subject)
        if traits is None:
            return _not_found()
        headers = {"etag": f'"{sha256(traits.encode()).hexdigest()[:32]}"'}
        if known == headers["etag"]:
            return Response(304, headers, b"")
        body = {"subject": subject, "traits": json.loads(traits), "updated": int(time() * 1000)}
        return Response(200, headers, json.dumps(body).encode())

    def _high_water(self, device: str, epoch: str) -> int:
        end = 0
        for batch in sorted((each for each in self._batches.values()), key=lambda each: each.first):
            if (batch.device, batch.epoch) == (device, epoch) and batch.first <= end:
                end = max(end, batch.first + len(batch.events))
        return end - 1

    def close(self) -> None:
        """A client is done; the server stays."""


def _delivered(batch: SealedBatch, event: Event) -> Delivered:
    return Delivered(
        batch.device,
        batch.epoch,
        batch.first + event.index,
        event.type,
        event.at,
        event.subject,
        event.bundle,
        event.fields,
    )


def _without(event: Event | Rejected, digests: set[str]) -> Event | Rejected:
    """The event, unless it is of an erased subject."""
    if isinstance(event, Rejected) or event.subject is None or erasure_digest(event.subject) not in digests:
        return event
    return Rejected(event.index, "erased")


def _not_found() -> Response:
    return _problem(404, "not_found")


def _problem(status: int, code: str, detail: str = "") -> Response:
    content = {"type": f"urn:nearwise:problem:{code}", "status": status, "detail": detail}
    return Response(status, {"content-type": "application/problem+json"}, json.dumps(content).encode())
