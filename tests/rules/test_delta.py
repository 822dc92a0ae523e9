"""Deltas: small, and never trusted."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearwise_rules import (
    Bundle,
    BundleLimits,
    BundleRefused,
    Refusal,
    Trust,
    apply_delta,
    development_signer,
    open_bundle,
    pack_delta,
    write_frame,
)
from nearwise_rules.bundle.framing import Part

VECTORS = Path(__file__).parent / "vectors"
SIGNER = development_signer(bytes(range(32)))
TRUST = Trust(keys={SIGNER.key_id: SIGNER.public_key})
Documents = dict[tuple[str, str], object]
Maker = Callable[..., Bundle]
NAMES = st.tuples(st.sampled_from(["flag", "segment"]), st.text("abcd", min_size=1, max_size=3))
PADDING = "".join(random.Random(1).choices("abcdefgh", k=3000))
CHANGES = st.dictionaries(NAMES, st.integers(0, 3), max_size=8)


def flag(number: int, share: int = 50) -> dict[str, object]:
    source = random.Random(number)
    conditions = [
        {">=": [{"var": f"attribute.{source.randrange(40)}"}, source.randrange(1000)]}
        for _ in range(source.randint(8, 14))
    ]
    return {
        "type": "string",
        "variants": {"off": "", "on": f"offer-{source.getrandbits(64):x}"},
        "default": "off",
        "rules": [{"name": "main", "when": {"and": conditions}, "split": {"on": share, "off": 100 - share}}],
    }


def thousand() -> Documents:
    return {("flag", f"flag-{number:04d}"): flag(number) for number in range(1000)}


def rebuilt(base: Bundle, target: Bundle) -> int:
    """Send the target as a delta; how many bytes that took."""
    delta = pack_delta(base, target)
    assert delta is not None
    assert apply_delta(base, delta, target.envelope, TRUST).to_bytes() == target.to_bytes()
    return len(delta)


def refusal(base: Bundle, delta: bytes, envelope: bytes, limits: BundleLimits | None = None) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        apply_delta(base, delta, envelope, TRUST, limits)
    return caught.value.reason


def test_the_vector_of_the_delta_holds() -> None:
    vector = json.loads((VECTORS / "delta.json").read_text())
    trust = Trust.pinned(json.loads((VECTORS / "envelope.json").read_text())["public_key_text"])
    base = open_bundle(bytes.fromhex(json.loads((VECTORS / "bundle.json").read_text())["bundle"]), trust)
    target = apply_delta(base, bytes.fromhex(vector["delta"]), vector["target_envelope"].encode(), trust)
    entries = [{"kind": e.kind, "key": e.key, "body": e.body.decode(), "sha256": e.digest} for e in target.entries()]
    assert entries == vector["entries"]


def test_one_percent_of_a_thousand_rules_takes_few_hundred_bytes(make_bundle: Maker) -> None:
    documents = thousand()
    base = make_bundle(documents)
    changed = documents | {("flag", f"flag-{number:04d}"): flag(number, share=60) for number in range(0, 1000, 100)}
    assert rebuilt(base, make_bundle(changed, version=2)) <= 600
    added = changed | {("flag", f"new-{number}"): flag(5000 + number) for number in range(3)}
    for number in range(50, 350, 100):
        del added["flag", f"flag-{number:04d}"]
    assert rebuilt(base, make_bundle(added, version=2)) <= 1200


def test_a_change_of_every_rule_still_uses_the_old_ones(make_bundle: Maker) -> None:
    documents = thousand()
    base = make_bundle(documents)
    target = make_bundle({name: flag(number, share=61) for number, name in enumerate(documents)}, version=2)
    assert rebuilt(base, target) * 10 < base.manifest.size_bytes


def test_a_delta_that_would_be_large_is_not_made(make_bundle: Maker) -> None:
    base = make_bundle({("flag", "a"): flag(1)})
    assert pack_delta(base, make_bundle({("flag", "a"): "x" * 9 + PADDING, ("flag", "b"): flag(3)})) is None


@settings(max_examples=60)
@given(CHANGES, CHANGES)
def test_every_way_from_one_bundle_to_another_is_found(make_bundle: Maker, old: Documents, new: Documents) -> None:
    padding: Documents = {("padding", "x"): PADDING}
    rebuilt(make_bundle(padding | old), make_bundle(padding | new, version=2))


def test_entries_longer_than_the_window_travel_too(make_bundle: Maker) -> None:
    long = [random.Random(2).randrange(1000) for _ in range(30_000)]
    base = make_bundle({("model", "a"): long, ("model", "b"): long[:100]})
    rebuilt(base, make_bundle({("model", "a"): [*long, 1], ("model", "b"): long[:99]}, version=2))


def test_bodies_that_are_no_json_travel_too(make_bundle: Maker) -> None:
    noise = random.Random(3).randbytes
    old: Documents = {("audience", "a"): noise(900), ("audience", "b"): b"\n", **thousand()}
    new: Documents = {
        **old,
        ("audience", "a"): noise(900) + b"\n",
        ("audience", "c"): b"\n\n",
        ("flag", "new"): flag(9),
    }
    base = make_bundle(old)
    assert rebuilt(base, make_bundle(new, version=2)) < 1_500
    assert rebuilt(base, make_bundle(old | {("audience", "b"): b"no line feed"}, version=2)) < 200


@pytest.fixture
def step(make_bundle: Maker) -> tuple[Bundle, Bundle, bytes]:
    """A base, a target and the delta between them."""
    base = make_bundle({("padding", "x"): PADDING, ("flag", "a"): flag(1), ("flag", "b"): flag(2)})
    target = make_bundle({("padding", "x"): PADDING, ("flag", "a"): flag(1, 60), ("flag", "c"): flag(2)}, version=2)
    delta = pack_delta(base, target)
    assert delta is not None
    return base, target, delta


def test_a_delta_from_another_base_is_refused(step: tuple[Bundle, Bundle, bytes]) -> None:
    _, target, delta = step
    assert refusal(target, delta, target.envelope) is Refusal.UNKNOWN_BASE


def test_a_delta_to_another_target_is_refused(step: tuple[Bundle, Bundle, bytes], make_bundle: Maker) -> None:
    base, _, delta = step
    other = make_bundle({("padding", "x"): PADDING, ("flag", "a"): flag(1, 61), ("flag", "c"): flag(2)}, version=2)
    assert refusal(base, delta, other.envelope) is Refusal.WRONG_ROOT
    assert refusal(base, delta, b"{}") is Refusal.MALFORMED


def test_any_changed_byte_of_a_delta_is_refused_or_harmless(step: tuple[Bundle, Bundle, bytes]) -> None:
    base, target, delta = step
    for place in range(len(delta)):
        for flip in (1, 0x80):
            changed = delta[:place] + bytes([delta[place] ^ flip]) + delta[place + 1 :]
            try:
                result = apply_delta(base, changed, target.envelope, TRUST)
            except BundleRefused:
                continue
            assert result.to_bytes() == target.to_bytes()


def test_hostile_blocks_are_refused(step: tuple[Bundle, Bundle, bytes]) -> None:
    base, target, _ = step
    root = bytes.fromhex(base.manifest.root)
    three = b"\x01\x03\x00\xfc\xffabc"  # "abc" as it stands (RFC 1951, section 3.2.4)
    cases: list[tuple[list[Part], list[Part]]] = [
        ([3], []),
        ([0, 0], []),
        (["x"], []),
        ([], [1]),
        ([], [[[], [], []]]),
        ([], [[[3], [], [], b""]]),
        ([], [[[], [0, 0], [], b""]]),
        ([0], [[[], [0], [], b""]]),
        ([], [[[], [], [["flag", "a"]], b""]]),
        ([], [[[], [], [["flag", "n"], ["flag", "n"]], b""]]),
        ([], [[[], [], [["Flag", "n"]], b""]]),
        ([], [[[], [], [["flag"]], b""]]),
        ([], [[[], [], [["flag", "n"]], b""]]),
        ([], [[[], [], [["flag", "n"]], b"\x03\x00"]]),
        ([], [[[], [], [["flag", "n"]], b"\xff\xff"]]),
        ([], [[[], [], [["flag", "n"]], three, []]]),
        ([], [[[], [], [["flag", "n"]], three, [2]]]),
        ([], [[[], [], [["flag", "n"]], three, [4]]]),
        ([], [[[], [], [["flag", "n"]], three, [1, 2]]]),
        ([], [[[], [], [["flag", "n"]], three, ["x"]]]),
        ([], [[[], [], [["flag", "n"], ["flag", "m"]], three, [0, 3]]]),
        ([], [[[], [], [["flag", "n"]], three, [3], [3]]]),
    ]
    for removed, blocks in cases:
        assert (
            refusal(base, write_frame(["nearwise.delta", 1, root, removed, blocks]), target.envelope)
            is Refusal.MALFORMED
        )
    later = write_frame(["nearwise.delta", 2, "whatever"])
    assert refusal(base, later, target.envelope) is Refusal.UNSUPPORTED_FORMAT
    assert refusal(base, write_frame([]), target.envelope) is Refusal.MALFORMED


def test_a_block_that_inflates_without_end_is_stopped(step: tuple[Bundle, Bundle, bytes]) -> None:
    import zlib

    base, target, _ = step
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(50_000_000)) + deflate.flush()
    blocks: list[Part] = [[[], [], [["flag", "n"]], bomb]]
    delta = write_frame(["nearwise.delta", 1, bytes.fromhex(base.manifest.root), cast("list[Part]", []), blocks])
    assert refusal(base, delta, target.envelope) is Refusal.TOO_LARGE


def test_a_dictionary_cannot_be_made_larger_than_the_window(step: tuple[Bundle, Bundle, bytes]) -> None:
    base, target, _ = step
    blocks: list[Part] = [[[2] * 60, [], [["flag", "n"]], b"\x03\x00"]]
    delta = write_frame(["nearwise.delta", 1, bytes.fromhex(base.manifest.root), cast("list[Part]", []), blocks])
    assert refusal(base, delta, target.envelope) is Refusal.MALFORMED
    blocks = [[[2] * 1000, [], [["flag", "n"]], b"\x03\x00"]]
    delta = write_frame(["nearwise.delta", 1, bytes.fromhex(base.manifest.root), cast("list[Part]", []), blocks])
    assert refusal(base, delta, target.envelope) is Refusal.TOO_LARGE


@given(st.binary(max_size=120))
def test_hostile_bytes_are_refused(make_bundle: Maker, data: bytes) -> None:
    base = make_bundle({("flag", "a"): 1})
    refusal(base, data, base.envelope)


@pytest.mark.parametrize(
    "limits",
    [
        BundleLimits(max_delta_bytes=10),
        BundleLimits(max_entries=2),
        BundleLimits(max_entry_bytes=100),
        BundleLimits(max_inflated_bytes=100),
    ],
)
def test_every_limit_is_kept(step: tuple[Bundle, Bundle, bytes], limits: BundleLimits) -> None:
    base, target, delta = step
    assert refusal(base, delta, target.envelope, limits) is Refusal.TOO_LARGE
