"""Consent on the disk: durable before a call returns, no byte more than it must; damage lets nobody keep a grant."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from timeit import repeat

import pytest

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


@pytest.mark.parametrize("content", [b"garbage" * 20, bytes(300)])
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
