"""What a client must do with the answers of a broken or hostile server: keep the bundle it has, and say why."""

from __future__ import annotations

import random
from collections.abc import Callable

from nearwise.polling import CallFailed, Poller
from nearwise.shelf import Shelf
from nearwise.transport import Request, Response, TransportFailed
from nearwise_rules import BundleLimits, BundleRefused
from tests.drills.bundles import BUNDLES, CONTEXT, DELTAS, MANIFESTS, Forge
from tests.drills.damage import damage
from tests.drills.judges import NOW, Judge, Unclear, Verdict

Answer = Callable[[], Response]


class BadServer:
    """Answers what it was told to; stands where the network stands."""

    def __init__(self, manifest: Answer, delta: Answer, bundle: Answer) -> None:
        self._answers = {"/v1/manifest": manifest, "/v1/deltas/": delta, "/v1/bundles/": bundle}

    def send(self, request: Request) -> Response:
        """The prepared answer; the seam's promise to cut off long bodies is kept here as there."""
        answer = next(answer for path, answer in self._answers.items() if request.path.startswith(path))()
        if len(answer.body) > request.most_bytes:
            raise TransportFailed("the answer is too long")
        return answer

    def close(self) -> None:
        """Nothing is open."""


class Polling:
    """A client with a good bundle that asks a bad server for a newer one."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def download(self, rng: random.Random) -> Judge:
        """One poll: a new bundle is taken because it is right, or the old one goes on and the error says why."""
        forge = self._forge
        shelf = Shelf(forge.trust, BundleLimits(), None, lambda: NOW)
        shelf.take(forge.bundle, forge.packed)
        poller = Poller(BadServer(*_answers(forge, rng)), shelf, {})

        def judge() -> Verdict:
            try:
                poller.poll()
                verdict = Verdict(False)
            except (BundleRefused, CallFailed, TransportFailed) as error:
                if not str(error).strip():
                    raise Unclear(f"{type(error).__name__} without a message") from error
                verdict = Verdict(True, type(error).__name__)
            if shelf.active.decide("flag-0", CONTEXT, "m-1", NOW, None, None).value != "on":
                raise Unclear("the good bundle no longer decides")
            return verdict

        return judge


def _answers(forge: Forge, rng: random.Random) -> tuple[Answer, Answer, Answer]:
    """Manifest, delta and bundle, of which at least one is bad."""
    manifest, delta, bundle = forge.next_envelope, forge.delta, forge.next_packed
    if rng.random() < 0.4:
        manifest = rng.choice(MANIFESTS)(forge, rng)
    if rng.random() < 0.8:
        delta = rng.choice(DELTAS)(forge, rng)
    if rng.random() < 0.8:
        bundle = rng.choice((rng.choice(BUNDLES)(forge, rng), damage(forge.next_packed, rng)))
    if rng.random() < 0.1:
        bundle = bytes(5_000_000)
    return _answer(manifest, rng), _answer(delta, rng), _answer(bundle, rng)


def _answer(body: bytes, rng: random.Random) -> Answer:
    status = rng.choice((200, 200, 200, 200, 200, 200, 200, 204, 301, 304, 403, 404, 418, 500, 999))
    odd = ("", "Sun, 99 Foo 2026 99:99:99 GMT", "x" * 5000, "-1", "\x00", "Sun, 06 Nov 9999 08:49:37 GMT")
    names = ("date", "etag", "retry-after", "content-type", "content-length")
    headers = {name: rng.choice(odd) for name in names if rng.random() < 0.3}
    return lambda: Response(status, headers, body)
