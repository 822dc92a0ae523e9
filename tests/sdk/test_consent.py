"""Consent on the disk: durable before a call returns, no byte more than it must; damage lets nobody keep a grant."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from timeit import repeat
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearwise.consent import ConsentStore
from nearwise.consent_file import Said
from nearwise_rules import ANONYMOUS, DEVICE, purposes_mask

STORE, PROFILE, MEASURE, SHARE = (purposes_mask([name]) for name in ("store", "profile", "measure", "share"))


def opened(folder: Path, base: int = 0, most: int = 50_000) -> ConsentStore:
    store = ConsentStore(str(folder / "consents"), most)
    store.base = base
    return store


def test_nothing_is_granted_but_what_everybody_grants(tmp_path: Path) -> None:
    store = opened(tmp_path, base=MEASURE)
    assert store.granted("anna") == MEASURE
    store.keep("anna", Said(granted=STORE, denied=MEASURE))
    assert store.granted("anna") == STORE
    assert store.granted("berta") == MEASURE
    store.base = MEASURE | SHARE
    assert store.granted("anna") == STORE | SHARE


def test_what_was_said_last_holds_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep("anna", Said(granted=STORE | PROFILE, policy="2026-11", at=5.0))
    store.keep("berta", Said(granted=STORE))
    store.keep("anna", Said(granted=STORE, denied=PROFILE, policy="2026-12", at=6.0, gpc=True, undone=PROFILE))
    again = opened(tmp_path)
    assert again.said("anna") == Said(STORE, PROFILE, "2026-12", 6.0, gpc=True, undone=PROFILE)
    assert again.granted("berta") == STORE
    assert again.unfinished() == ["anna"]


@pytest.mark.parametrize(
    ("said", "base", "kept"),
    [
        (Said(granted=STORE), 0, True),
        (Said(granted=PROFILE), 0, False),
        (Said(denied=PROFILE), 0, False),
        (Said(granted=PROFILE), STORE, True),
        (Said(denied=MEASURE), MEASURE, True),
    ],
)
def test_without_store_only_a_denial_of_what_everybody_grants_is_kept(
    tmp_path: Path, said: Said, base: int, kept: bool
) -> None:
    store = opened(tmp_path, base)
    store.keep("anna", said)
    store.keep(ANONYMOUS, said)
    assert store.said("anna") == said
    store.end_session()
    assert (store.said("anna") == said) is kept
    again = opened(tmp_path, base)
    assert (again.said("anna") == said) is kept
    assert again.said(ANONYMOUS) == Said()


def test_a_withdrawal_of_someone_who_was_kept_is_kept(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep("anna", Said(granted=STORE | PROFILE))
    store.keep("anna", Said(denied=STORE | PROFILE))
    assert opened(tmp_path).said("anna") == Said(denied=STORE | PROFILE)


def test_a_forgotten_subject_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name in ("anna", "berta"):
        store.keep(name, Said(granted=STORE))
    assert (store.forget("anna"), store.forget("anna")) == (1, 0)
    assert b"anna" not in (tmp_path / "consents").read_bytes()
    assert (store.granted("anna"), store.granted("berta")) == (0, STORE)
    assert opened(tmp_path).granted("berta") == STORE


def test_a_torn_end_costs_no_record(tmp_path: Path) -> None:
    store = opened(tmp_path, base=MEASURE)
    store.keep("anna", Said(granted=STORE))
    with (tmp_path / "consents").open("ab") as file:
        file.write(b"torn")
    again = opened(tmp_path, base=MEASURE)
    assert (again.granted("anna"), again.granted("berta"), again.damaged) == (STORE | MEASURE, MEASURE, ())
    again.keep("dora", Said(granted=STORE))
    assert opened(tmp_path).granted("dora") == STORE
    assert b"torn" not in (tmp_path / "consents").read_bytes()


def garble(path: Path, name: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(name)] ^= 0xFF
    path.write_bytes(content)


def test_whoever_may_have_withdrawn_in_a_damaged_record_is_asked_again(tmp_path: Path) -> None:
    store = opened(tmp_path, base=MEASURE)
    for name in ("anna", "berta", "carla"):
        store.keep(name, Said(granted=STORE))
    garble(tmp_path / "consents", b"berta")
    for _ in range(2):  # the mended file knows it still
        again = opened(tmp_path, base=MEASURE)
        assert [again.granted(name) for name in ("anna", "berta", "carla", "dora")] == [0, 0, STORE | MEASURE, 0]
        assert [again.granted(owner) for owner in (ANONYMOUS, DEVICE)] == [MEASURE, MEASURE]
        (told,) = again.damaged
        assert told.endswith("consents: records were lost, and whoever spoke before is to be asked again")
    again = opened(tmp_path, base=MEASURE)
    said = again.said("dora")
    again.keep("dora", said._replace(granted=STORE | MEASURE, denied=said.denied & ~(STORE | MEASURE)))
    assert opened(tmp_path, base=MEASURE).granted("dora") == STORE | MEASURE


@pytest.mark.parametrize("lost", ["garbled", "zeroed", "cut off", "cut within", "empty"])
def test_a_withdrawal_at_the_end_of_the_file_is_not_lost_in_silence(tmp_path: Path, lost: str) -> None:
    store = opened(tmp_path, base=MEASURE)
    store.keep("anna", Said(granted=STORE))
    length = (tmp_path / "consents").stat().st_size
    store.keep("anna", Said(granted=STORE, denied=MEASURE))
    content = (tmp_path / "consents").read_bytes()
    last = content[length:]
    tail = {
        "garbled": bytes([last[0] ^ 1]) + last[1:],
        "zeroed": bytes(len(last)),
        "cut off": b"",
        "cut within": last[:9],
    }
    (tmp_path / "consents").write_bytes(b"" if lost == "empty" else content[:length] + tail[lost])
    again = opened(tmp_path, base=MEASURE)
    assert (again.granted("anna"), len(again.damaged)) == (0, 1)


def test_what_an_append_that_failed_has_left_costs_nobody_his_record(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep("anna", Said(granted=STORE))
    with (tmp_path / "consents").open("ab") as file:
        file.write(b"\x30\x00\x00\x00 half a record, as a full disk leaves it")
    store.keep("berta", Said(granted=STORE))
    again = opened(tmp_path)
    assert (again.granted("anna"), again.granted("berta"), again.damaged) == (STORE, STORE, ())


def test_an_unfinished_withdrawal_is_carried_out_although_a_later_record_is_lost(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep("anna", Said(denied=STORE, granted=PROFILE, undone=STORE))
    store.keep("anna", Said(granted=STORE, undone=STORE))
    store.keep("berta", Said(granted=STORE))
    garble(tmp_path / "consents", b"berta")
    assert opened(tmp_path).unfinished() == ["anna"]


def test_whom_the_memory_has_given_up_is_forgotten_on_the_disk_too(tmp_path: Path) -> None:
    store = opened(tmp_path, most=1)
    for name in ("anna", "berta"):
        store.keep(name, Said(granted=STORE))
    assert store.forget("anna") == 1
    assert b"anna" not in (tmp_path / "consents").read_bytes()
    assert opened(tmp_path).granted("berta") == STORE


def test_nobody_is_told_forgotten_while_the_file_cannot_be_read(tmp_path: Path) -> None:
    opened(tmp_path).keep("anna", Said(granted=STORE))
    (tmp_path / "consents").rename(tmp_path / "away")
    (tmp_path / "consents").mkdir()
    store = opened(tmp_path)
    with pytest.raises(OSError):
        store.forget("anna")
    store.keep(ANONYMOUS, Said(granted=MEASURE))
    (tmp_path / "consents").rmdir()
    (tmp_path / "away").rename(tmp_path / "consents")
    assert store.forget("anna") == 1
    assert store.granted(ANONYMOUS) == MEASURE
    assert b"anna" not in (tmp_path / "consents").read_bytes()


said_or_damaged = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["anna", "berta", "carla"]), st.integers(0, 7), st.integers(0, 7)),
        st.tuples(st.sampled_from(["flip", "zero", "cut"]), st.floats(0, 1), st.integers(1, 60)),
        st.tuples(st.sampled_from(["restart", "forget"]), st.sampled_from(["anna", "berta"]), st.none()),
    ),
    max_size=24,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said_or_damaged)
def test_nobody_is_ever_granted_more_than_his_last_word(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any, Any]]
) -> None:
    folder, words = tmp_path_factory.mktemp("till"), dict[str, tuple[int, int]]()
    store = opened(folder, base=MEASURE)
    purposes = STORE, PROFILE, MEASURE
    for name, first, second in steps:
        if name in ("anna", "berta", "carla"):
            yes = sum(purpose for bit, purpose in enumerate(purposes) if first >> bit & 1)
            no = sum(purpose for bit, purpose in enumerate(purposes) if second >> bit & 1) & ~yes
            last, word = store.said(name), words.get(name, (0, 0))
            store.keep(name, last._replace(granted=(last.granted | yes) & ~no, denied=(last.denied | no) & ~yes))
            words[name] = ((word[0] | yes) & ~no, (word[1] | no) & ~yes)
        elif name == "forget":
            store.forget(first)
            words.pop(first, None)
        else:
            if name != "restart":
                damage(folder / "consents", name, first, second)
            store = opened(folder, base=MEASURE)
        for who, (granted, denied) in words.items():
            assert store.granted(who) & ~((granted | MEASURE) & ~denied) == 0


def damage(path: Path, kind: str, place: float, length: int) -> None:
    content = bytearray(path.read_bytes()) if path.exists() else bytearray()
    at = min(int(place * len(content)), len(content) - 1)
    if not content:
        return
    if kind == "flip":
        content[at] ^= 0x10
    elif kind == "zero":
        content[at : at + length] = bytes(len(content[at : at + length]))
    else:
        del content[at:]
    path.write_bytes(content)


@pytest.mark.parametrize("content", [b"garbage" * 20, bytes(300), b"", b"short"])
def test_of_a_file_that_is_no_file_of_consents_nobody_grants_anything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "consents").write_bytes(content)
    store = opened(tmp_path, base=MEASURE)
    assert (store.granted("anna"), len(store.damaged)) == (0, 1)


def test_a_file_that_cannot_be_read_is_told_and_grants_nothing(tmp_path: Path) -> None:
    (tmp_path / "consents").mkdir()
    store = opened(tmp_path, base=MEASURE)
    assert store.granted("anna") == 0
    assert "consents cannot be read: " in store.damaged[0]
    with pytest.raises(OSError):
        store.keep("anna", Said(granted=STORE))


def test_a_file_of_outdated_records_is_replaced(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(300):
        store.keep("anna", Said(granted=STORE, at=float(number)))
    assert (tmp_path / "consents").stat().st_size < 15_000
    assert opened(tmp_path).said("anna").at == 299.0


def test_a_disk_that_refuses_withdraws_and_grants_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path)
    store.keep("anna", Said(granted=STORE | PROFILE))

    def failing(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(OSError, match="Input/output"):
        store.keep("anna", Said(granted=STORE | MEASURE, denied=PROFILE))
    assert store.granted("anna") == STORE


def test_there_is_a_most_of_subjects_and_denials_stay_longest(tmp_path: Path) -> None:
    store = opened(tmp_path, base=MEASURE, most=3)
    store.keep("objector", Said(denied=MEASURE))
    for number in range(5):
        store.keep(f"h-{number}", Said(granted=STORE))
    assert store.granted("objector") == 0
    assert [store.granted(f"h-{number}") for number in range(5)] == [MEASURE] * 3 + [MEASURE | STORE] * 2


def test_an_answer_takes_well_under_a_microsecond() -> None:
    store = ConsentStore(None)
    for number in range(10_000):
        store.keep(f"h-{number}", Said(granted=STORE))
    assert min(repeat(lambda: store.granted("h-5000"), number=1000, repeat=20)) / 1000 < 1e-6
