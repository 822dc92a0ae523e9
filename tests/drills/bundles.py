"""Hostile bundles, manifests and deltas, and the good ones that they are made of."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nearwise_rules import (
    Bundle,
    Entry,
    Manifest,
    Signer,
    Trust,
    canonical_json,
    development_signer,
    open_bundle,
    pack_bundle,
    pack_delta,
    seal,
    write_frame,
)
from tests.drills.damage import damage

FLAG: dict[str, Any] = {
    "type": "string",
    "variants": {"off": "off", "on": "on"},
    "default": "off",
    "rules": [{"name": "r1", "when": {">=": [{"var": "basket.total"}, 20]}, "serve": "on"}],
}
CONTEXT = {"basket": {"total": 23.9}}


def entries_of(flags: int, *, threshold: int = 20) -> tuple[Entry, ...]:
    """A small rule set: settings, one attribute, `flags` flags that all serve `on` to CONTEXT."""
    flag = FLAG | {"rules": [FLAG["rules"][0] | {"when": {">=": [{"var": "basket.total"}, threshold]}}]}
    return (
        Entry.of("settings", "rule-set", {"name": "drill", "zone": "Europe/Warsaw", "dialect": "safe"}),
        Entry.of("attribute", "basket.total", {"type": "number"}),
        *(Entry.of("flag", f"flag-{number}", flag) for number in range(flags)),
    )


@dataclass(frozen=True)
class Forge:
    """A publisher's keys and two good releases. Signing is slow in pure Python: sealed envelopes are kept."""

    signer: Signer
    thief: Signer
    entries: tuple[Entry, ...]
    next_entries: tuple[Entry, ...]

    @classmethod
    def make(cls) -> Forge:
        """Keys from fixed seeds, so that a run can be repeated."""
        signer, thief = (development_signer(bytes([number]) * 32) for number in (1, 2))
        return cls(signer, thief, entries_of(8), entries_of(8, threshold=19))

    @property
    def trust(self) -> Trust:
        """What a device pins."""
        return Trust(keys={self.signer.key_id: self.signer.public_key}, environment="production")

    def manifest(self, entries: tuple[Entry, ...], version: int = 7) -> Manifest:
        """The true manifest of these entries."""
        return Manifest(
            tenant="shop",
            environment="production",
            audience="tills",
            version=version,
            issued=1_750_000_000.0,
        ).covering(entries)

    @cached_property
    def envelope(self) -> bytes:
        """The good release's sealed manifest, version 7."""
        return seal(self.manifest(self.entries).to_payload(), [self.signer])

    @cached_property
    def next_envelope(self) -> bytes:
        """The next release's sealed manifest, version 8."""
        return seal(self.manifest(self.next_entries, 8).to_payload(), [self.signer])

    @cached_property
    def stolen_envelope(self) -> bytes:
        """The good manifest under a key nobody pinned."""
        return seal(self.manifest(self.entries).to_payload(), [self.thief])

    @cached_property
    def packed(self) -> bytes:
        """The good release as a file."""
        return pack_bundle(self.envelope, self.entries)

    @cached_property
    def bundle(self) -> Bundle:
        """The good release, opened."""
        return open_bundle(self.packed, self.trust)

    @cached_property
    def next_packed(self) -> bytes:
        """The next release as a file."""
        return pack_bundle(self.next_envelope, self.next_entries)

    @cached_property
    def delta(self) -> bytes:
        """The way from the good release to the next."""
        packed = pack_delta(self.bundle, open_bundle(self.next_packed, self.trust))
        assert packed is not None
        return packed


# --- bundles


def _framed(forge: Forge, rng: random.Random) -> bytes:
    """A well-formed frame whose parts are of the wrong kind, number or order."""
    parts: list[Any] = ["nearwise.bundle", 1, forge.envelope, b"{}", b""]
    for _ in range(rng.randint(1, 3)):
        odd: list[Any] = [0, 2**63, b"", "x", [], [[[]]], "nearwise.delta", forge.envelope, rng.randbytes(40)]
        parts[rng.randrange(len(parts))] = rng.choice(odd)
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return write_frame(parts[: rng.choice((5, 5, 4, 6))] + ([0] if rng.random() < 0.1 else []))


def _swapped(forge: Forge, rng: random.Random) -> bytes:
    """True signature, other entries: changed, dropped, doubled, renamed, or from the next release."""
    entries = list(forge.entries)
    place = rng.randrange(len(entries))
    change = rng.randrange(5)
    if change == 0:
        entries[place] = _changed(entries[place], body=entries[place].body + b" ")
    elif change == 1:
        del entries[place]
    elif change == 2:
        entries[place] = _changed(entries[place], key=rng.choice(("../../etc/passwd", "a\nb", "", "x" * 300, "flag-0")))
    elif change == 3:
        entries[place] = _changed(entries[place], kind=rng.choice(("../flag", "FLAG", "", "k" * 40)))
    else:
        entries = list(forge.next_entries)
    return _unchecked(forge.envelope, entries)


def _changed(entry: Entry, kind: str | None = None, key: str | None = None, body: bytes | None = None) -> Entry:
    return Entry(
        entry.kind if kind is None else kind, entry.key if key is None else key, entry.body if body is None else body
    )


def _unchecked(envelope: bytes, entries: Sequence[Entry]) -> bytes:
    """A bundle file as `pack_bundle` writes it, without its checks of names."""
    index: dict[str, dict[str, int]] = {}
    for entry in entries:
        index.setdefault(entry.kind, {})[entry.key] = len(entry.body)
    bodies = b"".join(entry.body for entry in entries)
    return write_frame(["nearwise.bundle", 1, envelope, canonical_json(index), bodies])


def _index(forge: Forge, rng: random.Random) -> bytes:
    """True signature and bodies, an index that lies: negative, huge, of wrong types, too many, too deep."""
    lies: tuple[bytes, ...] = (
        b'{"flag":{"flag-0":-1}}',
        b'{"flag":{"flag-0":1e999}}',
        b'{"flag":{"flag-0":' + b"9" * rng.choice((5, 30, 5000)) + b"}}",
        b'{"flag":{"flag-0":true}}',
        b'{"flag":{"flag-0":1.5}}',
        b'{"flag":[]}',
        b'{"flag":{"a":1,"a":1}}',
        b"[]",
        b"null",
        b'{"flag":{' + b",".join(b'"f%d":0' % number for number in range(rng.choice((10, 100_001)))) + b"}}",
        b'{"flag":' * rng.choice((70, 3000)),
        b'{"\\ud800":{"\\ud800":1}}',
        b"\xff\xfe",
        b"{" + b",".join(b'"k%d":{}' % number for number in range(rng.choice((10, 50_000)))) + b"}",
    )
    return write_frame(
        ["nearwise.bundle", 1, forge.envelope, rng.choice(lies), b"".join(e.body for e in forge.entries)]
    )


def _signed_nonsense(forge: Forge, rng: random.Random) -> bytes:
    """Truly signed, of entries that no publisher of ours would write: the content is wrong, not the signature."""
    bodies = (b"", b"null", b"[" * 300, b'{"type":"string"}', b"\xff", b'{"variants":{},"default":"gone","rules":1}')
    when: list[Any] = [{"nope": []}, {"if": 3}, "x" * 2000, [[[]]], {"var": {"var": {"var": []}}}, None]
    odd = canonical_json(FLAG | {"rules": [{"when": rng.choice(when), "serve": rng.choice(("on", "gone"))}]})
    entries = (*forge.entries[:-1], _changed(forge.entries[-1], body=rng.choice((*bodies, odd, odd))))
    return _unchecked(seal(forge.manifest(entries, 8).to_payload(), [forge.signer]), entries)


def _damaged(forge: Forge, rng: random.Random) -> bytes:
    return damage(forge.packed, rng)


def _stolen(forge: Forge, _rng: random.Random) -> bytes:
    return pack_bundle(forge.stolen_envelope, forge.entries)


def _large(forge: Forge, rng: random.Random) -> bytes:
    """Bodies that were never announced, up to megabytes."""
    return write_frame(["nearwise.bundle", 1, forge.envelope, b"{}", bytes(rng.choice((1, 4096, 4 << 20)))])


def _bad_delta(forge: Forge, rng: random.Random) -> bytes:
    """A damaged delta, a deflate bomb, or a delta for another base."""
    bomb = zlib.compress(bytes(rng.choice((1 << 16, 128 << 20))), 9) if rng.random() < 0.1 else b""
    return bomb or damage(forge.delta, rng)


# --- manifests


def _fields(forge: Forge, rng: random.Random) -> bytes:
    """Truly signed fields of the wrong type or range, missing, or too many: a publisher with a bug."""
    fields: dict[str, Any] = json.loads(forge.manifest(forge.entries).to_payload())
    name = rng.choice((*fields, "more"))
    odd: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1e308, "", "x" * 500, [], {}, "../..", "\u0000", 1.5, "0" * 64)
    if rng.random() < 0.2:
        fields.pop(name, None)
    else:
        fields[name] = rng.choice(odd)
    return seal(json.dumps(fields).encode(), [forge.signer])


def _payload(forge: Forge, rng: random.Random) -> bytes:
    """Truly signed bytes that are no manifest."""
    texts = (b"", b"null", b"[]", b'{"a":1,"a":2}', b"NaN", b"\xff", b"[" * 5000, b" " * 20_000, b'{"format":2}')
    return seal(rng.choice(texts), [forge.signer])


def _envelope(forge: Forge, rng: random.Random) -> bytes:
    """A true envelope with one part replaced."""
    parts: dict[str, Any] = json.loads(forge.envelope)
    good = parts["signatures"][0]
    zeros = {"keyid": good["keyid"], "sig": "A" * 86 + "=="}
    odd: Mapping[str, tuple[Any, ...]] = {
        "payload": ("", "!!", "AAAA", None, [], "\ud800", parts["payload"] + "A", "A" * 100_000),
        "payloadType": ("", None, "application/json", 7),
        "signatures": (
            [],
            None,
            {},
            [None],
            [good] * 50,
            [good, good],
            [zeros],
            [zeros, good],
            [good | {"sig": ""}],
            [good | {"keyid": None}],
            [good | {"keyid": forge.thief.key_id}],
            [good | {"sig": good["sig"][:-4]}],
            [good | {"sig": struct.pack("<I", rng.getrandbits(32)).hex()}],
        ),
    }
    name = rng.choice(tuple(odd))
    parts[name] = rng.choice(odd[name])
    return json.dumps(parts).encode()


def _damaged_envelope(forge: Forge, rng: random.Random) -> bytes:
    return damage(forge.envelope, rng)


def _stolen_envelope(forge: Forge, _rng: random.Random) -> bytes:
    return forge.stolen_envelope


Maker = Callable[[Forge, random.Random], bytes]
BUNDLES: tuple[Maker, ...] = (
    _damaged,
    _damaged,
    _damaged,
    _framed,
    _swapped,
    _index,
    _signed_nonsense,
    _stolen,
    _large,
)
DELTAS: tuple[Maker, ...] = (_bad_delta,)
MANIFESTS: tuple[Maker, ...] = (
    _damaged_envelope,
    _damaged_envelope,
    _damaged_envelope,
    _fields,
    _payload,
    _envelope,
    _envelope,
    _stolen_envelope,
)
