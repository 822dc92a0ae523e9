"""Bundle files: opened whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import (
    Bundle,
    BundleLimits,
    BundleRefused,
    Entry,
    Manifest,
    Refusal,
    Trust,
    development_signer,
    inspect_bundle,
    open_bundle,
    open_manifest,
    pack_bundle,
    read_frame,
    seal,
    write_frame,
)
from nearwise_rules.bundle import Contents

VECTORS = Path(__file__).parent / "vectors"
SIGNER = development_signer(bytes(range(32)))
TRUST = Trust(keys={SIGNER.key_id: SIGNER.public_key})
DOCUMENTS = st.dictionaries(
    st.tuples(st.sampled_from(["flag", "segment"]), st.text("abcé/# ", min_size=1, max_size=5)),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    max_size=6,
)
ENTRIES = [
    Entry.of("flag", "a", {"default": "on"}),
    Entry.of("flag", "b", {}),
    Entry.of("segment", "a", {"when": True}),
]


def sealed(of: list[Entry], /, **fields: Any) -> bytes:
    contents = Contents.of(of)
    manifest = Manifest(
        tenant="acme",
        environment="production",
        audience="tills",
        version=1,
        issued=1763779200.0,
        root=contents.root,
        entries=len(contents),
        size_bytes=contents.size_bytes,
    )
    return seal(manifest._replace(**fields).to_payload(), [SIGNER])


def refusal(data: bytes, trust: Trust = TRUST, limits: BundleLimits | None = None) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        open_bundle(data, trust, limits)
    return caught.value.reason


def with_index(index: object, bodies: bytes = b"{}") -> bytes:
    written = index if isinstance(index, bytes) else json.dumps(index).encode()
    return write_frame(["nearwise.bundle", 1, sealed(ENTRIES), written, bodies])


GOOD = pack_bundle(sealed(ENTRIES), ENTRIES)


def test_a_body_can_be_looked_at_where_it_lies(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle({("audience", "vip"): b"\0\n\xff", ("flag", "a"): {"type": "boolean"}})
    view = bundle.view("audience", "vip")
    assert view is not None
    assert bytes(view) == b"\0\n\xff" == bundle.entry("audience", "vip")
    assert view.obj is memoryview(bundle.contents.bodies).obj
    assert bundle.view("audience", "other") is None


def test_the_vector_of_the_bundle_holds() -> None:
    root, envelope, vector = (
        json.loads((VECTORS / f"{name}.json").read_text()) for name in ("root", "envelope", "bundle")
    )
    entries = [Entry(row["kind"], row["key"], row["body"].encode()) for row in root["entries"]]
    assert Contents.of(entries).index.decode() == vector["index"]
    packed = pack_bundle(envelope["envelope"].encode(), entries)
    assert packed.hex() == vector["bundle"]
    bundle = open_bundle(packed, Trust.pinned(envelope["public_key_text"]))
    assert bundle.manifest._asdict() == envelope["manifest"]


@given(DOCUMENTS)
def test_a_bundle_gives_back_every_entry(documents: dict[tuple[str, str], object]) -> None:
    entries = [Entry.of(kind, key, document) for (kind, key), document in documents.items()]
    packed = pack_bundle(sealed(entries), entries)
    bundle = open_bundle(packed, TRUST)
    assert [*bundle.entries()] == sorted(entries)
    assert bundle.index == {(entry.kind, entry.key): entry.digest for entry in entries}
    assert bundle.keys("flag") == tuple(sorted(key for kind, key in documents if kind == "flag"))
    assert all(bundle.entry(entry.kind, entry.key) == entry.body for entry in entries)
    assert bundle.to_bytes() == packed


def test_what_a_bundle_has_not_is_none() -> None:
    bundle = open_bundle(GOOD, TRUST)
    assert bundle.entry("flag", "c") is bundle.entry("offer", "a") is None
    assert bundle.keys("offer") == ()


def test_entries_stay_slices_of_the_received_bytes() -> None:
    bodies = open_bundle(GOOD, TRUST).contents.bodies
    assert isinstance(bodies, memoryview)
    assert bodies.obj is GOOD


def test_any_flipped_bit_of_a_bundle_is_refused() -> None:
    for bit in range(0, 8 * len(GOOD), 5):
        changed = bytearray(GOOD)
        changed[bit // 8] ^= 1 << bit % 8
        refusal(bytes(changed))


def test_a_bundle_cut_off_anywhere_is_refused() -> None:
    for size in range(len(GOOD)):
        assert refusal(GOOD[:size]) is Refusal.MALFORMED
    assert refusal(GOOD + b"\x00") is Refusal.MALFORMED


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    refusal(data)
    refusal(b"\x95\xafnearwise.bundle\x01" + data)


@given(st.binary(max_size=80), st.binary(max_size=20))
def test_a_hostile_index_is_refused(index: bytes, bodies: bytes) -> None:
    refusal(with_index(index, bodies))


@given(
    st.recursive(
        st.integers() | st.text(max_size=3) | st.none() | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("flag-", max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_an_index_of_any_shape_is_refused(index: object) -> None:
    refusal(with_index(index))


@pytest.mark.parametrize(
    "index",
    [
        {"flag": {}},
        {"flag": {"a": 0, "b": 2}},
        {"flag": {"a": -1, "b": 3}},
        {"flag": {"a": True, "b": 1}},
        {"flag": {"a": 2.0}},
        {"flag": {"b": 1, "a": 1}},
        {"segment": {"a": 1}, "flag": {"a": 1}},
        {"Flag": {"a": 2}},
        {"flag": {"a\n": 2}},
        {"flag": {"\ud800": 2}},
        {"flag": {"a": 3}},
        {"flag": {"a": 1}},
        b'{"flag":{"a":1,"a":1}}',
    ],
)
def test_an_index_has_one_form_only(index: object) -> None:
    assert refusal(with_index(index)) is Refusal.MALFORMED


def test_entries_that_were_not_signed_are_refused() -> None:
    envelope = sealed(ENTRIES)
    assert refusal(pack_bundle(envelope, ENTRIES[:2])) is Refusal.WRONG_ROOT
    assert refusal(pack_bundle(envelope, [*ENTRIES, Entry("flag", "c", b"1")])) is Refusal.WRONG_ROOT
    assert refusal(pack_bundle(envelope, [*ENTRIES[:2], Entry("segment", "a", b'{"when":fals}')])) is Refusal.WRONG_ROOT


@pytest.mark.parametrize("fields", [{"entries": 4}, {"size_bytes": 1}, {"root": "0" * 64}])
def test_the_manifest_must_be_right_about_its_entries(fields: dict[str, Any]) -> None:
    assert refusal(pack_bundle(sealed(ENTRIES, **fields), ENTRIES)) is Refusal.WRONG_ROOT


@pytest.mark.parametrize("scope", [{"tenant": "other"}, {"environment": "staging"}, {"audience": "kiosks"}])
def test_a_bundle_meant_for_another_is_refused(scope: dict[str, Any]) -> None:
    ours = TRUST._replace(tenant="acme", environment="production", audience="tills")
    assert open_bundle(GOOD, ours).manifest.scope == "acme/production/tills"
    assert refusal(GOOD, ours._replace(**scope)) is Refusal.WRONG_SCOPE
    assert refusal(pack_bundle(sealed(ENTRIES, **scope), ENTRIES), ours) is Refusal.WRONG_SCOPE


def test_a_later_format_is_told_apart_from_damage() -> None:
    assert refusal(write_frame(["nearwise.bundle", 2, "whatever"])) is Refusal.UNSUPPORTED_FORMAT
    assert refusal(write_frame(["nearwise.delta", 1, b"", b"", b""])) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "limits",
    [
        BundleLimits(max_bundle_bytes=200),
        BundleLimits(max_envelope_bytes=200),
        BundleLimits(max_manifest_bytes=100),
        BundleLimits(max_index_bytes=20),
        BundleLimits(max_entries=2),
        BundleLimits(max_entry_bytes=10),
    ],
)
def test_every_limit_is_kept(limits: BundleLimits) -> None:
    assert refusal(GOOD, limits=limits) is Refusal.TOO_LARGE


def test_a_manifest_is_verified_without_its_entries() -> None:
    assert open_manifest(sealed(ENTRIES), TRUST) == open_bundle(GOOD, TRUST).manifest


def test_a_bundle_of_other_rooms_tests_opens(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle({("flag", "a"): {"x": 1}}, version=7)
    assert (bundle.manifest.version, bundle.entry("flag", "a")) == (7, b'{"x":1}')
    assert len(read_frame(bundle.to_bytes())) == 5


def test_a_bundle_can_be_looked_at_whoever_signed_it() -> None:
    bundle = inspect_bundle(GOOD)
    assert (list(bundle.entries()), bundle.manifest.tenant) == (ENTRIES, "acme")
    assert refusal(GOOD, Trust(keys={"other": bytes(32)})) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Refusal.MALFORMED),
        (b"nothing", Refusal.MALFORMED),
        (pack_bundle(sealed(ENTRIES), ENTRIES[:2]), Refusal.WRONG_ROOT),
        (pack_bundle(sealed(ENTRIES, root="ab" * 32), ENTRIES), Refusal.WRONG_ROOT),
        (pack_bundle(b"{}", ENTRIES), Refusal.MALFORMED),
    ],
)
def test_what_is_looked_at_is_the_content_that_its_manifest_names(data: bytes, reason: Refusal) -> None:
    with pytest.raises(BundleRefused) as caught:
        inspect_bundle(data)
    assert caught.value.reason is reason
