"""Acceptance: which bundle may follow which, and when a bundle is too old."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules import (
    Accepted,
    BundleRefused,
    Freshness,
    Manifest,
    Refusal,
    Step,
    Trust,
    accept,
    freshness,
    trusted_time,
)
from nearwise_rules.bundle.acceptance import version_numbers

DAY = 86400.0
ISSUED = 1763779200.0
EXPIRES = ISSUED + 30 * DAY
TRUST = Trust(keys={}, tenant="acme", environment="production", audience="tills")
MANIFEST = Manifest(
    tenant="acme",
    environment="production",
    audience="tills",
    version=41,
    issued=ISSUED,
    expires=EXPIRES,
    root="a" * 64,
    entries=1,
    size_bytes=1,
)
CURRENT = Accepted(41, "a" * 64, ISSUED + DAY)


def step(current: Accepted | None, candidate: Manifest, now: float = ISSUED, sdk_version: str = "0.1") -> Step:
    return accept(current, candidate, now=now, sdk_version=sdk_version, trust=TRUST).step


def refusal(current: Accepted | None, candidate: Manifest, now: float = ISSUED, sdk_version: str = "0.1") -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        accept(current, candidate, now=now, sdk_version=sdk_version, trust=TRUST)
    return caught.value.reason


def test_the_first_the_same_and_a_newer_version_are_accepted() -> None:
    assert step(None, MANIFEST) is Step.FIRST
    assert step(CURRENT, MANIFEST) is Step.SAME
    assert step(CURRENT, MANIFEST._replace(version=42, root="b" * 64)) is Step.NEWER


def test_old_content_may_come_back_under_a_new_version() -> None:
    current = Accepted(42, "b" * 64, ISSUED)
    assert step(current, MANIFEST._replace(version=43)) is Step.NEWER


def test_an_older_version_is_a_rollback() -> None:
    assert refusal(CURRENT, MANIFEST._replace(version=40)) is Refusal.ROLLBACK


def test_one_version_cannot_mean_two_contents() -> None:
    assert refusal(CURRENT, MANIFEST._replace(root="b" * 64)) is Refusal.ROLLBACK


@pytest.mark.parametrize("scope", [{"tenant": "x"}, {"environment": "x"}, {"audience": "x"}])
def test_a_bundle_for_another_is_refused(scope: dict[str, str]) -> None:
    candidate = MANIFEST._replace(**scope)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert refusal(None, candidate) is Refusal.WRONG_SCOPE


def test_no_expectation_about_the_scope_means_any() -> None:
    anyone = Trust(keys={})
    assert accept(None, MANIFEST, now=ISSUED, sdk_version="0.1", trust=anyone).step is Step.FIRST


def test_another_format_is_refused_first() -> None:
    assert refusal(CURRENT, MANIFEST._replace(format=2, version=1, tenant="x")) is Refusal.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("sdk_version", "min_sdk", "is_enough"),
    [
        ("0.1.0", "0.1", True),
        ("0.10.0", "0.9", True),
        ("1.0.0rc1", "1.0", True),
        ("2", "1.9.9", True),
        ("0.1.0", "0.1.1", False),
        ("0.9", "0.10", False),
        ("1.0", "2", False),
    ],
)
def test_versions_of_the_sdk_compare_as_numbers(sdk_version: str, min_sdk: str, is_enough: bool) -> None:
    candidate = MANIFEST._replace(min_sdk=min_sdk)
    if is_enough:
        assert step(None, candidate, sdk_version=sdk_version) is Step.FIRST
    else:
        assert refusal(None, candidate, sdk_version=sdk_version) is Refusal.SDK_TOO_OLD


def test_a_version_text_is_read_as_far_as_it_has_numbers() -> None:
    texts = ["1.10.0", "1.10.0rc1", "1.10rc1.5", "dev", ""]
    assert [version_numbers(text) for text in texts] == [(1, 10), (1, 10), (1, 10, 5), (), ()]


@pytest.mark.parametrize("grace", ["safe_only", "stop"])
def test_an_expired_bundle_replaces_nothing_but_is_better_than_nothing(grace: str) -> None:
    late = EXPIRES + DAY
    expired = MANIFEST._replace(grace=grace, version=42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert refusal(CURRENT, expired, now=late) is Refusal.EXPIRED
    assert step(None, expired, now=late) is Step.FIRST
    assert step(Accepted(42, "a" * 64, ISSUED), expired, now=late) is Step.SAME


def test_an_expired_bundle_with_grace_serve_is_accepted_as_stale() -> None:
    acceptance = accept(CURRENT, MANIFEST._replace(version=42), now=EXPIRES + DAY, sdk_version="0.1", trust=TRUST)
    assert (acceptance.step, acceptance.freshness) == (Step.NEWER, Freshness.STALE)


@pytest.mark.parametrize(
    ("grace", "now", "clock", "expected"),
    [
        ("serve", EXPIRES - 1, None, Freshness.READY),
        ("serve", EXPIRES, None, Freshness.STALE),
        ("safe_only", EXPIRES - 1, EXPIRES - 1, Freshness.READY),
        ("safe_only", EXPIRES, None, Freshness.EXPIRED),
        ("stop", EXPIRES, 0.0, Freshness.EXPIRED),
        ("stop", EXPIRES - 1, EXPIRES + 1000 * DAY, Freshness.STALE),
        ("serve", EXPIRES - 1, EXPIRES, Freshness.STALE),
    ],
)
def test_freshness_follows_trusted_time_and_only_listens_to_the_clock(
    grace: str, now: float, clock: float | None, expected: Freshness
) -> None:
    manifest = MANIFEST._replace(grace=grace)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert freshness(manifest, now, clock) is expected


def test_a_bundle_without_expiry_stays_ready() -> None:
    assert freshness(MANIFEST._replace(expires=None), 1e12, 1e12) is Freshness.READY


def test_trusted_time_is_the_latest_of_what_is_certain() -> None:
    assert trusted_time(None, ISSUED) == ISSUED
    assert trusted_time(CURRENT, ISSUED) == ISSUED + DAY
    assert trusted_time(CURRENT, ISSUED + 2 * DAY) == ISSUED + 2 * DAY
    assert trusted_time(CURRENT, ISSUED, ISSUED + 3 * DAY) == ISSUED + 3 * DAY
    assert trusted_time(CURRENT, ISSUED, 0.0) == ISSUED + DAY


def test_what_is_remembered_is_the_accepted_bundle_at_trusted_time() -> None:
    acceptance = accept(CURRENT, MANIFEST._replace(version=42), now=0.0, sdk_version="0.1", trust=TRUST)
    assert acceptance.accepted == Accepted(42, "a" * 64, CURRENT.time)


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from("ab"), st.floats(0, 1e6)), max_size=12))
def test_whatever_arrives_version_and_time_never_go_back(arrivals: list[tuple[int, str, float]]) -> None:
    current: Accepted | None = None
    for version, root, after in arrivals:
        candidate = MANIFEST._replace(version=version, root=root * 64, issued=ISSUED + after, expires=None)
        try:
            accepted = accept(current, candidate, now=ISSUED, sdk_version="0.1", trust=TRUST).accepted
        except BundleRefused:
            continue
        if current is not None:
            assert accepted.version >= current.version
            assert accepted.time >= current.time
            assert accepted.version > current.version or accepted.root == current.root
        current = accepted
