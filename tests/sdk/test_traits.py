"""Traits: asked for at sign-in, kept as far as a subject consents, used until too old, and gone without a byte left."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from nearwise import Client, Request, Response, Settings, StorageFailed, TransportFailed
from nearwise.retries import Backoff
from nearwise.testing import MemoryServer, client_from
from nearwise.testing.rule_sets import packed_bundle
from nearwise.trait_calls import Line, TraitCalls
from nearwise.traits import Traits
from nearwise_rules import Json, Release, Trust, open_bundle, purposes_mask
from tests.sdk.conftest import Clock, until

ANNA, BERTA = "h-1042-anna", "h-1043-berta"
GOLD = {"customer.tier": "gold-and-glitter", "customer.kids": "2-noisy-ones"}
STORE, PERSONALISE, PROFILE = (purposes_mask([name]) for name in ("store", "personalise", "profile"))


def shop(**attributes: Json) -> dict[str, Json]:
    flag: Json = {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"when": {"==": [{"var": "customer.tier"}, GOLD["customer.tier"]]}, "serve": "on"}],
    }
    tier: Json = {"type": "string", "source": "trait", "privacy": "personal", "purposes": ["personalise"]}
    kids: Json = {"type": "string", "source": "trait", "privacy": "sensitive", "purposes": ["profile"]}
    return {"attributes": {"customer.tier": tier, "customer.kids": kids, **attributes}, "flags": {"f": flag}}


def release(server: MemoryServer, source: Mapping[str, Json] | None = None) -> Release:
    return Release(open_bundle(packed_bundle(source or shop()), Trust.pinned(server.public_key)))


class Bench:
    """Traits and who asks for them, on a clock that stands still."""

    def __init__(self, server: MemoryServer, clock: Clock, path: Path | None = None, **settings: Any) -> None:
        self.server = server
        self.clock = clock
        everything = STORE | PERSONALISE | PROFILE
        self.granted: dict[str, int] = {ANNA: everything, BERTA: everything}
        self.errors: list[str] = []
        self.path = path
        chosen = Settings(clock=clock, traits_seconds=900, retry_first_seconds=1, retry_most_seconds=300, **settings)
        name = None if path is None else str(path)
        self.traits = Traits(name, chosen, lambda owner: self.granted.get(str(owner), 0), clock)
        self.traits.adopt(release(server))
        line = Line(lambda: server, dict, lambda: None, self.complain)
        self.tick = TraitCalls(self.traits, line, Backoff(chosen, lambda: 1.0), clock).tick

    def complain(self, error: Exception) -> None:
        self.errors.append(str(error))

    @property
    def asked(self) -> list[tuple[str, str | None]]:
        return [
            (request.path.removeprefix("/v1/traits/"), request.headers.get("If-None-Match"))
            for request in self.server.requests
        ]

    def known(self, owner: str = ANNA) -> dict[str, object]:
        return dict(self.traits.of(owner))

    def bytes(self) -> bytes:
        assert self.path is not None
        return b"".join(file.read_bytes() for file in self.path.parent.iterdir())


@pytest.fixture
def centre() -> MemoryServer:
    server = MemoryServer(shop())
    server.traits(ANNA, GOLD)
    return server


@pytest.fixture
def bench(centre: MemoryServer, clock: Clock, tmp_path: Path) -> Bench:
    return Bench(centre, clock, tmp_path / "traits.db")


def test_who_signs_in_is_asked_about_once(bench: Bench) -> None:
    bench.traits.want(ANNA)
    assert bench.known() == {}
    assert bench.tick() == 900
    assert bench.known() == GOLD
    assert bench.tick() == 900
    assert bench.asked == [(ANNA, None)]


def test_nobody_is_asked_about_before_he_signs_in(bench: Bench) -> None:
    assert bench.tick() == float("inf")
    assert bench.asked == []


def test_what_is_used_is_asked_for_again_by_its_etag(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.known()
    bench.clock.now += 900
    bench.tick()
    [(_, first), (_, second)] = bench.asked
    assert (first, second is None) == (None, False)
    bench.server.traits(ANNA, {"customer.tier": "silver"})
    bench.known()
    bench.clock.now += 900
    bench.tick()
    assert bench.known() == {"customer.tier": "silver"}


def test_what_nobody_uses_is_not_asked_for_again_until_it_is_used(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.clock.now += 1000
    assert bench.tick() == 900
    assert len(bench.asked) == 1


def test_whom_the_centre_does_not_know_has_no_traits(bench: Bench) -> None:
    bench.traits.want(BERTA)
    assert bench.tick() == 900
    assert (bench.known(BERTA), bench.errors) == ({}, [])


def test_a_subject_in_a_path_is_encoded(bench: Bench) -> None:
    odd = "h 1?#%ü"
    bench.granted[odd] = PERSONALISE
    bench.server.traits(odd, GOLD)
    bench.traits.want(odd)
    bench.tick()
    assert bench.asked == [("h%201%3F%23%25%C3%BC", None)]
    assert bench.known(odd) == {"customer.tier": "gold-and-glitter"}


@pytest.mark.parametrize("owner", ["~", "", ".", "..", "a/b", "a\n", "x" * 257, "\ud800"])
def test_what_can_be_no_subject_is_not_asked_about(bench: Bench, owner: str) -> None:
    bench.granted[owner] = PERSONALISE
    bench.traits.want(owner)
    bench.tick()
    assert bench.asked == []


def test_only_what_a_subject_consents_to_is_kept(bench: Bench) -> None:
    bench.granted[ANNA] = STORE | PERSONALISE
    bench.traits.want(ANNA)
    bench.tick()
    assert bench.known() == {"customer.tier": "gold-and-glitter"}
    assert b"noisy" not in bench.bytes()


def test_without_consent_to_any_trait_nobody_asks(bench: Bench) -> None:
    bench.granted[ANNA] = STORE
    bench.traits.want(ANNA)
    assert bench.tick() == float("inf")
    assert bench.asked == []
    bench.granted[ANNA] |= PROFILE
    bench.tick()
    assert bench.known() == {"customer.kids": "2-noisy-ones"}


def test_where_no_rule_reads_a_trait_nobody_asks(bench: Bench) -> None:
    bench.traits.adopt(release(bench.server, {"flags": {}}))
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.adopt(None)
    bench.tick()
    assert bench.asked == []


def test_another_consent_or_other_rules_ask_anew_for_everything(bench: Bench) -> None:
    bench.granted[ANNA] = PERSONALISE
    bench.traits.want(ANNA)
    bench.tick()
    bench.granted[ANNA] |= PROFILE
    bench.tick()
    assert bench.known() == GOLD
    basket: Json = {"type": "number", "source": "trait", "purposes": ["profile"]}
    bench.server.traits(ANNA, {**GOLD, "basket.mean": 12.5})
    bench.traits.adopt(release(bench.server, shop(**{"basket.mean": basket})))
    bench.tick()
    assert bench.known() == {**GOLD, "basket.mean": 12.5}
    assert bench.asked == [(ANNA, None)] * 3


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (503, "503"),
        (403, "403"),
        (Response(200, {}, b"<html>Welcome to our WLAN"), "something else"),
        (Response(200, {}, b'{"subject": "h-1042-anna", "traits": [1]}'), "something else"),
        (Response(200, {}, b'{"subject": "someone", "traits": {"customer.tier": "gold"}}'), "something else"),
        (Response(200, {}, b"[" * 100_000), "something else"),
        (Response(304, {}, b""), "304"),
    ],
)
def test_no_usable_answer_backs_off_and_lets_others_go_first(bench: Bench, answer: int | Response, told: str) -> None:
    bench.server.fail(answer)
    bench.traits.want(ANNA)
    assert bench.tick() == 1
    assert told in bench.errors[0]
    assert bench.known() == {}
    bench.traits.want(BERTA)
    assert bench.tick() == 1
    bench.clock.now += 1
    bench.tick()
    assert [owner for owner, _ in bench.asked] == [ANNA, BERTA, ANNA]
    assert bench.known() == GOLD


def test_failures_in_a_row_wait_longer_and_longer(bench: Bench) -> None:
    bench.server.offline = True
    bench.traits.want(ANNA)
    waits: list[float] = []
    for _ in range(5):
        waits.append(bench.tick())
        bench.clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16]


def test_a_retry_after_is_honoured(bench: Bench) -> None:
    bench.server.fail(Response(429, {"retry-after": "30"}, b""))
    bench.traits.want(ANNA)
    assert bench.tick() == 31


def test_after_a_restart_without_a_network_the_disk_knows(bench: Bench, centre: MemoryServer) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.close()
    again = Bench(centre, bench.clock, bench.path)
    centre.offline = True
    bench.clock.now += 3600
    again.traits.want(ANNA)
    assert again.known() == GOLD
    again.tick()
    assert again.known() == GOLD
    centre.offline = False
    again.clock.now += 300
    again.tick()
    assert again.asked[-1][1] is not None


def test_too_old_is_not_used_in_memory_or_from_the_disk(bench: Bench, centre: MemoryServer) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    centre.offline = True
    bench.clock.now += 7 * 86_400 - 1
    assert bench.known() == GOLD
    bench.clock.now += 1
    assert bench.known() == {}
    bench.traits.want(ANNA)
    assert bench.known() == {}


def test_the_disk_forgets_what_is_too_old(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.clock.now += 7 * 86_400 + 1
    assert b"glitter" in bench.bytes()
    bench.traits.sweep()
    assert b"glitter" not in bench.bytes()


def test_a_clock_that_was_ahead_keeps_nothing_for_longer(bench: Bench, centre: MemoryServer) -> None:
    bench.clock.now = 4e9
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.close()
    bench.clock.now = 1000.0
    again = Bench(centre, bench.clock, bench.path)
    again.traits.sweep()
    bench.clock.now += 7 * 86_400 + 1
    again.traits.want(ANNA)
    assert again.known() == {}


def test_without_consent_to_store_nothing_is_on_the_disk(bench: Bench) -> None:
    bench.granted[ANNA] = PERSONALISE
    bench.traits.want(ANNA)
    bench.tick()
    assert bench.known() == {"customer.tier": "gold-and-glitter"}
    assert bench.path is not None
    assert not bench.path.exists()


def test_the_disk_keeps_the_newest_subjects(centre: MemoryServer, clock: Clock, tmp_path: Path) -> None:
    bench = Bench(centre, clock, tmp_path / "traits.db", traits_subjects=3)
    owners = [f"h-{number}-someone" for number in range(6)]
    for owner in owners:
        bench.granted[owner] = STORE | PERSONALISE
        centre.traits(owner, GOLD)
        bench.traits.want(owner)
        bench.tick()
        clock.now += 1
    assert [owner for owner in owners if bench.known(owner)] == owners[3:]
    bench.traits.close()
    with sqlite3.connect(tmp_path / "traits.db") as database:
        assert [row[0] for row in database.execute("SELECT owner FROM trait ORDER BY at")] == owners[3:]
    database.close()


def test_no_byte_of_a_forgotten_subject_is_left(bench: Bench) -> None:
    bench.server.traits(BERTA, {"customer.tier": "silver-spoon"})
    for _ in range(3):
        for owner in (ANNA, BERTA):
            bench.traits.want(owner)
            bench.known(owner)
        bench.tick()
        bench.clock.now += 901
    assert all(text in bench.bytes() for text in (b"glitter", b"noisy", ANNA.encode(), b"silver-spoon"))
    assert bench.traits.forget(ANNA) == 1
    assert not any(text in bench.bytes() for text in (b"glitter", b"noisy", ANNA.encode()))
    assert (bench.known(ANNA), bench.known(BERTA)) == ({}, {"customer.tier": "silver-spoon"})
    assert bench.traits.forget(ANNA) == 0
    bench.tick()
    assert ANNA not in [owner for owner, _ in bench.asked[-1:]]


def test_who_was_kept_by_an_earlier_process_is_forgotten_too(bench: Bench, centre: MemoryServer) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.close()
    again = Bench(centre, bench.clock, bench.path)
    assert again.traits.forget(ANNA) == 1
    assert b"glitter" not in again.bytes()


def test_who_is_forgotten_while_the_centre_answers_stays_forgotten(bench: Bench) -> None:
    def forget_first(request: Request) -> Response:
        bench.traits.forget(ANNA)
        return bench.server.answer(request)

    bench.server.fail(forget_first)
    bench.traits.want(ANNA)
    bench.tick()
    assert bench.known() == {}
    assert bench.path is not None
    assert not bench.path.exists()


def test_a_log_that_somebody_reads_is_told(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    assert bench.path is not None
    reader = sqlite3.connect(bench.path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM trait").fetchall()
    with pytest.raises(StorageFailed):
        bench.traits.forget(ANNA)
    reader.close()
    bench.traits.forget(ANNA)
    assert b"glitter" not in bench.bytes()


def test_the_end_of_a_session_leaves_only_the_disk(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.end_session()
    assert bench.known() == {}
    assert bench.tick() == float("inf")
    bench.traits.want(ANNA)
    assert bench.known() == GOLD


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_a_damaged_file_is_begun_anew(bench: Bench, content: bytes) -> None:
    assert bench.path is not None
    bench.path.write_bytes(content)
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.end_session()
    bench.traits.want(ANNA)
    assert (bench.known(), bench.traits.failed) == (GOLD, None)


def test_rows_of_another_kind_are_nothing(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.end_session()
    assert bench.path is not None
    with sqlite3.connect(bench.path) as database:
        database.execute("UPDATE trait SET body = '[1'")
    database.close()
    bench.traits.want(ANNA)
    assert bench.known() == {}


def test_a_disk_that_refuses_is_told_and_memory_goes_on(bench: Bench) -> None:
    assert bench.path is not None
    bench.path.mkdir()
    bench.traits.want(ANNA)
    bench.tick()
    assert bench.known() == GOLD
    assert "traits cannot be kept" in str(bench.traits.failed)


def test_a_child_process_leaves_the_file_alone(bench: Bench) -> None:
    bench.traits.want(ANNA)
    bench.tick()
    bench.traits.leave_to_parent()
    before = bench.bytes()
    bench.server.traits(ANNA, {"customer.tier": "silver"})
    bench.known()
    bench.clock.now += 900
    bench.tick()
    assert bench.known() == {"customer.tier": "silver"}
    assert bench.bytes() == before


def test_a_library_is_imported_with_the_first_subject(centre: MemoryServer, clock: Clock) -> None:
    bench = Bench(centre, clock)
    assert bench.traits._known is None  # pyright: ignore[reportPrivateUsage]
    bench.traits.end_session()
    assert bench.traits.forget(ANNA) == 0
    assert bench.traits._known is None  # pyright: ignore[reportPrivateUsage]


def files(folder: Path, names: str = "*") -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob(names) if file.is_file())


def test_a_client_decides_by_traits_and_forgets_them(centre: MemoryServer, quick: Settings, tmp_path: Path) -> None:
    with Client(centre, trust=centre.public_key, storage=tmp_path, settings=quick) as client:
        assert client.ready(10)
        client.sign_in(ANNA)
        assert client.context(ANNA).flag("f") is False
        client.consent(ANNA, {"store": True, "personalise": True})
        until(lambda: client.context(ANNA).flag("f") is True)
        client.next_customer()
        assert client.context(ANNA).flag("f") is False
        centre.offline = True
        client.sign_in(ANNA)
        assert client.context(ANNA).flag("f") is True
        assert b"glitter" in files(tmp_path, "traits.db*")
        assert client.forget(ANNA).erased["traits"] == 1
        assert client.context(ANNA).flag("f") is False
        assert b"glitter" not in files(tmp_path, "traits.db*")
        assert ANNA.encode() not in files(tmp_path)


def test_a_withdrawn_purpose_takes_its_traits_away(centre: MemoryServer, quick: Settings, tmp_path: Path) -> None:
    with Client(centre, trust=centre.public_key, storage=tmp_path, settings=quick) as client:
        assert client.ready(10)
        client.consent(ANNA, {"store": True, "personalise": True, "profile": True})
        until(lambda: client.context(ANNA).flag("f") is True)
        client.consent(ANNA, {"personalise": False})
        assert client.context(ANNA).flag("f") is False
        until(lambda: "customer.kids" in client._engine.noticed.traits.of(ANNA))  # pyright: ignore[reportPrivateUsage]
        assert b"glitter" not in files(tmp_path, "traits.db*")
        assert b"noisy" in files(tmp_path, "traits.db*")


def test_a_centre_that_hangs_holds_up_no_decision(centre: MemoryServer, quick: Settings) -> None:
    hung, let_go = Event(), Event()

    def hang(request: Request) -> Response:
        hung.set()
        let_go.wait(10)
        raise TransportFailed("no answer")

    with Client(centre, trust=centre.public_key, settings=quick) as client:
        assert client.ready(10)
        centre.fail(hang)
        client.consent(ANNA, {"personalise": True})
        assert hung.wait(10)
        began = time.monotonic()
        client.sign_in(BERTA)
        assert client.context(ANNA).flag("f") is False
        assert time.monotonic() - began < 1
        let_go.set()


def test_a_test_says_what_the_centre_knows() -> None:
    with client_from(shop()) as client:
        client.traits(ANNA, GOLD)
        assert client.context(ANNA).flag("f") is False
        client.consent(ANNA, {"personalise": True})
        assert client.context(ANNA).flag("f") is True
        assert client.context(BERTA).flag("f") is False
