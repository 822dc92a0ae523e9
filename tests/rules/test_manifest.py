"""Manifests: thirteen checked members."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import BundleLimits, BundleRefused, Manifest, Refusal
from nearwise_rules.bundle.canonical import canonical_json

MANIFEST = Manifest(
    tenant="acme",
    environment="production",
    audience="tills",
    version=41,
    issued=1763779200.5,
    expires=1766371200.0,
    grace="safe_only",
    min_sdk="0.1",
    root="0" * 64,
    entries=3,
    size_bytes=99,
)
MEMBERS = MANIFEST._asdict()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def refusal(payload: bytes, limits: BundleLimits | None = None) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        Manifest.from_payload(payload, limits)
    return caught.value.reason


def test_a_payload_reads_back_as_the_manifest_it_was_written_from() -> None:
    assert Manifest.from_payload(MANIFEST.to_payload()) == MANIFEST
    assert len(MANIFEST.to_payload()) < 400


def test_members_of_later_versions_are_ignored() -> None:
    assert Manifest.from_payload(canonical_json(MEMBERS | {"later": [1]})) == MANIFEST


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_no_member_may_be_missing(name: str) -> None:
    members = {other: value for other, value in MEMBERS.items() if other != name}
    assert refusal(canonical_json(members)) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant", "x" * 129),
        ("tenant", "a\nb"),
        ("audience", None),
        ("version", 0),
        ("version", True),
        ("version", 2**53),
        ("version", 1.0),
        ("issued", -1),
        ("issued", "now"),
        ("expires", 1e300),
        ("grace", "never"),
        ("grace", []),
        ("min_sdk", ""),
        ("root", "0" * 63),
        ("root", "0" * 63 + "G"),
        ("root", "A" * 64),
        ("entries", -1),
        ("size_bytes", 10**400),
    ],
)
def test_a_member_out_of_its_range_is_malformed_and_cannot_be_written(name: str, value: object) -> None:
    members = MEMBERS | {name: value}
    assert refusal(json.dumps(members).encode()) is Refusal.MALFORMED
    with pytest.raises(ValueError, match=name):
        MANIFEST._replace(**{name: value}).to_payload()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@given(st.sampled_from(sorted(MEMBERS)), JSON)
def test_a_member_of_any_value_is_read_or_refused(name: str, value: object) -> None:
    try:
        manifest = Manifest.from_payload(canonical_json(MEMBERS | {name: value}))
    except BundleRefused:
        return
    assert manifest._asdict()[name] == value


def test_another_format_is_told_apart_from_damage() -> None:
    assert refusal(b'{"format":2}') is Refusal.UNSUPPORTED_FORMAT
    assert refusal(b'{"format":"2"}') is Refusal.MALFORMED
    assert refusal(b"[]") is Refusal.MALFORMED


def test_lone_surrogates_do_not_get_into_messages() -> None:
    assert refusal(json.dumps(MEMBERS | {"tenant": "\ud800"}).encode()) is Refusal.MALFORMED


def test_the_payload_has_a_limit() -> None:
    assert refusal(MANIFEST.to_payload(), BundleLimits(max_manifest_bytes=100)) is Refusal.TOO_LARGE
