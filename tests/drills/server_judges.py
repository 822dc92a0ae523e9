"""What a server must answer to hostile requests: its own problem page or a success, never a failure of its own."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx

from tests.drills.centre import Centre
from tests.drills.judges import Unclear, Verdict
from tests.drills.requests import Call, delivery, publication, stray

_PATIENCE = httpx.Timeout(5.0)


class Caller:
    """Sends hostile requests to a running server over one connection."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._client = httpx.Client(base_url=centre.url, timeout=_PATIENCE, trust_env=False)

    def deliver(self, rng: random.Random) -> Callable[[], Verdict]:
        """A batch of events; the call that sends it is made ready outside of what is measured."""
        call = delivery(rng)
        return lambda: self._judge(call)

    def publish(self, rng: random.Random) -> Callable[[], Verdict]:
        """A rule set."""
        call = publication(rng)
        return lambda: self._judge(call)

    def stray(self, rng: random.Random) -> Callable[[], Verdict]:
        """Anything else."""
        call = stray(rng)
        return lambda: self._judge(call)

    def is_well(self) -> bool:
        """Whether devices are still served."""
        headers = {"Authorization": f"Bearer {self._centre.key('d')}"}
        return self._client.get("/v1/manifest", headers=headers).status_code == 200

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _judge(self, call: Call) -> Verdict:
        headers = {**call.headers, "Authorization": f"Bearer {self._centre.key(call.scope)}"}
        encoded = {name.encode(): value.encode("utf-8", "surrogatepass") for name, value in headers.items()}
        answer = self._client.request(call.method, call.path, headers=encoded, content=call.body)
        if answer.status_code < 400:
            return Verdict(False)
        _require_problem(answer)
        return Verdict(True, str(answer.status_code))


def _require_problem(answer: httpx.Response) -> None:
    if answer.status_code >= 500 or "Traceback" in answer.text or 'File "' in answer.text:
        raise Unclear(f"{answer.status_code}: {answer.text[:500]}")
    if answer.request.method == "HEAD":
        return
    kind = answer.headers.get("Content-Type", "")
    if not kind.startswith("application/problem+json"):
        raise Unclear(f"{answer.status_code} without a problem page: {kind} {answer.text[:200]!r}")
    page = answer.json()
    if page.get("status") != answer.status_code or not page.get("title"):
        raise Unclear(f"a problem page without status and title: {page}")
