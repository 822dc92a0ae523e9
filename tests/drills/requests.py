"""Hostile requests: what somebody with a key, or without one, may send to a server over HTTP."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.drills.batches import hostile_batch
from tests.drills.bundles import FLAG
from tests.drills.damage import damage
from tests.drills.rules import hostile_rule

BATCH_TYPE = "application/vnd.nearwise.batch"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `scope` says which key it comes with: d, p, r, or none of them."""

    method: str
    path: str
    scope: str
    headers: Mapping[str, str]
    body: bytes


def delivery(rng: random.Random) -> Call:
    """A hostile batch of events from a true device."""
    headers = {"Content-Type": BATCH_TYPE, "Nearwise-Sent": rng.choice(("1750000000000", "-1", "now", "9" * 400))}
    if rng.random() < 0.1:
        headers["Content-Encoding"] = rng.choice(("gzip", "deflate", "br", "x"))
    if rng.random() < 0.1:
        headers["Nearwise-Device"] = rng.choice(("till-08", "", "x" * 4000, "till 07"))
    return Call("POST", "/v1/batches", "d", headers, hostile_batch(rng))


def publication(rng: random.Random) -> Call:
    """A hostile rule set from somebody who may publish."""
    body = json.dumps({"files": _files(rng)}).encode()
    if rng.random() < 0.1:
        body = damage(body, rng)
    if rng.random() < 0.05:
        odd: tuple[Any, ...] = ([], {"files": []}, {"files": {"a": 1}}, {"files": {}}, {"note": "x" * 100_000}, None)
        body = json.dumps(rng.choice(odd)).encode()
    return Call("POST", "/v1/bundles", "p", {"Content-Type": "application/json"}, body)


def stray(rng: random.Random) -> Call:
    """Any method on any path, with odd parameters, headers and keys."""
    text = "".join(rng.choices(string.printable, k=rng.randint(1, 80)))
    digest = rng.choice(("0" * 64, "../" * 20, "%00", "x" * 3000, "%2e%2e%2f", "-1", "é"))
    path = rng.choice(
        (
            f"/v1/bundles/{digest}",
            f"/v1/entries/{digest}",
            f"/v1/deltas/{digest}/{digest}",
            "/v1/manifest",
            "/v1/rollback",
            "/v1/summary",
            f"/v1/events?after={digest}&limit={digest}",
            f"/v1/devices?limit={rng.choice(('0', '-1', '1e9', '99999999999999999999'))}",
            "/v1/entries",
            f"/{digest}",
        )
    )
    odd = {"If-None-Match": text, "Range": "bytes=0-,-1", "Accept-Encoding": "gzip;q=x", "Content-Type": text}
    headers = {name: _header(value) for name, value in odd.items() if rng.random() < 0.3}
    posts: tuple[Any, ...] = (
        {"to": -1},
        {"to": 10**30},
        {"to": True},
        {"digests": ["0" * 64] * 2000},
        {"digests": 7},
        [],
    )
    body = rng.choice((b"", json.dumps(rng.choice(posts)).encode(), rng.randbytes(200), b"[" * 5000))
    method = rng.choice(("GET", "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
    return Call(method, path, rng.choice("dprx"), headers, body if method != "GET" else b"")


def _header(value: str) -> str:
    return "".join(character for character in value if character.isprintable()).strip()


# --- rule sets

_FLAG_TEXT = json.dumps(FLAG)
_ATTRIBUTES = "basket.total: {type: number}\n"
_TEXTS = (
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "a: &a [*a]\n",
    "!!python/object/apply:os.abort []\n",
    "type: !!python/name:os.abort\n",
    "[" * 20_000,
    "- " * 5_000 + "x",
    "a: 1\na: 2\n",
    "\ta: 1\n",
    "a: \x00\n",
    "a: 'unclosed\n",
    "? [complex, key]\n: 1\n",
    "a: " + "9" * 10_000 + "\n",
    "a: 2026-02-30\nb: 12:30:99\nc: .nan\nd: 0o7\ne: 1_000\nf: yes\n",
    "<<: *unknown\n",
    "--- a\n--- b\n",
    "%YAML 9.9\n---\na: 1\n",
    "x" * 200_000,
    "\ufeff{}",
    "",
    "null",
    '{"a": NaN}',
    '{"a": "\\ud800"}',
)


def _files(rng: random.Random) -> dict[str, str]:
    files = {"nearwise.yaml": "name: drill\n", "attributes.yaml": _ATTRIBUTES, "flags/flag-0.yaml": _FLAG_TEXT}
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(
            (*files, "flags/x.json", "segments.yaml", "cases/c.yaml", "../../etc/x.yaml", "offers/o.yaml")
        )
        files[name] = rng.choice((_odd_text, _odd_flag, _ruled, _chained))(rng)
    if rng.random() < 0.02:
        files |= {f"flags/f{number}.yaml": "{}" for number in range(5001)}
    return files


def _odd_text(rng: random.Random) -> str:
    return rng.choice(_TEXTS)


def _odd_flag(rng: random.Random) -> str:
    """A flag with one member of the wrong kind, range or name."""
    odd: tuple[Any, ...] = (
        None,
        [],
        {},
        -1,
        1e308,
        "",
        "gone",
        True,
        "x" * 1000,
        [[]],
        {"on": -5},
        {"a": float("nan")},
    )
    flag: dict[str, Any] = dict(FLAG)
    flag[rng.choice((*flag, "neutral", "requires", "holdout", "salt", "enabled", "wat"))] = rng.choice(odd)
    if rng.random() < 0.5:
        split = {name: rng.choice((50, -1, 100.001, 33.333, "x", 1e9, None)) for name in ("on", "off", "gone")}
        flag["rules"] = [{"when": True, "split": split, "by": rng.choice(odd)}]
    return json.dumps(flag)


def _ruled(rng: random.Random) -> str:
    """A flag whose condition is a hostile rule, as text: it may break the text around it."""
    rule = hostile_rule(rng).decode("utf-8", "replace")[:100_000]
    return '{"type":"string","variants":{"on":"on"},"default":"on","rules":[{"when":' + rule + ',"serve":"on"}]}'


def _chained(rng: random.Random) -> str:
    """Segments or cases that go round in circles, or on for hundreds of steps."""
    length = rng.choice((1, 2, 5, 300))
    return json.dumps({f"s{n}": {"when": {"segment": f"s{(n + 1) % length}"}} for n in range(length)})
