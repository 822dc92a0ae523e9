"""Deliveries in the database, on both engines: made once, claimed by one, settled for good, forgotten on request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from nearwise_server.store import Database
from nearwise_server.store.channels import (
    Channel,
    add_channel,
    channels_of,
    disable_channel,
    enable_channel,
    remove_channel,
)
from nearwise_server.store.deliveries import (
    DeliveryFilter,
    DeliveryRow,
    Draft,
    Settlement,
    State,
    add_deliveries,
    are_due,
    claim_deliveries,
    count_deliveries,
    deliveries_before,
    due_deliveries,
    forget_deliveries,
    remove_settled,
    retry_deliveries,
    settle_deliveries,
)
from nearwise_server.store.tables import deliveries

CRM = Channel(environment="production", name="crm", url="https://crm.example/in", secret="whsec_aa", created_ms=1)
EVERYTHING = DeliveryFilter(environment="production")


def draft(seq: int, *, channel: str | None = "crm") -> Draft:
    return Draft(
        environment="production",
        device="till-1",
        epoch="ab" * 16,
        seq=seq,
        channel=channel,
        trigger="abandoned",
        body=b'{"n":%d}' % seq,
        created_ms=100 + seq,
        until_ms=10_000,
    )


def add(database: Database, *drafts: Draft) -> None:
    with database.writing() as connection:
        add_deliveries(connection, drafts)


def rows(database: Database, wanted: DeliveryFilter = EVERYTHING) -> list[DeliveryRow]:
    with database.reading() as connection:
        return deliveries_before(connection, wanted, None, 100)


def settle(database: Database, row: DeliveryRow, state: State, *, next_ms: int = 9_999) -> None:
    with database.writing() as connection:
        settle_deliveries(connection, [Settlement(id=row.id, state=state, changed_ms=500, next_ms=next_ms)])


def due(database: Database, now_ms: int) -> list[int]:
    with database.reading() as connection:
        found = due_deliveries(connection, now_ms, 10, without=())
        assert bool(found) == are_due(connection, now_ms)
        return [each.row.seq for each in found]


def test_the_same_event_makes_one_delivery(database: Database) -> None:
    add(database, draft(1), draft(1))
    add(database, draft(1), draft(2))
    assert [row.seq for row in rows(database)] == [2, 1]


def test_an_event_without_a_channel_goes_to_the_default_channel_if_there_is_one(database: Database) -> None:
    add(database, draft(1, channel=None))
    with database.writing() as connection:
        add_channel(connection, replace(CRM, name="default"))
    add(database, draft(2, channel=None))
    assert [(row.seq, row.channel) for row in rows(database)] == [(2, "default")]


def test_what_is_due_comes_oldest_first_with_its_channel(database: Database) -> None:
    add(database, draft(3), draft(1), draft(2, channel="none"))
    with database.writing() as connection:
        add_channel(connection, CRM)
    with database.reading() as connection:
        found = due_deliveries(connection, 102, 10, without=())
        assert [(each.row.seq, each.channel, each.body) for each in found] == [
            (1, CRM, b'{"n":1}'),
            (2, None, b'{"n":2}'),
        ]
        assert due_deliveries(connection, 103, 10, without={("production", "crm"), ("production", "none")}) == []
        assert len(due_deliveries(connection, 103, 2, without=())) == 2


def test_a_claim_keeps_others_off_until_it_runs_out(database: Database) -> None:
    add(database, draft(1))
    with database.writing() as connection:
        claim_deliveries(connection, [rows(database)[0].id], 200)
    assert due(database, 199) == []
    assert due(database, 200) == [1]
    assert rows(database)[0].tries == 1


def test_what_is_settled_stays_so(database: Database) -> None:
    add(database, draft(1), draft(2))
    second, first = rows(database)
    settle(database, first, State.SENT)
    settle(database, first, State.WAITING, next_ms=0)
    settle(database, second, State.DEAD)
    assert [row.state for row in rows(database)] == [State.DEAD, State.SENT]
    assert due(database, 99_999) == []


def test_what_is_sent_keeps_nothing_of_anyone(database: Database) -> None:
    add(database, draft(1))
    settle(database, rows(database)[0], State.SENT)
    with database.writing() as connection:
        assert connection.execute(select(deliveries.c.body)).scalar_one() == b""
        retry_deliveries(connection, EVERYTHING, now_ms=600, until_ms=700)
    assert due(database, 99_999) == []
    assert rows(database)[0].state is State.SENT


def test_settled_deliveries_are_removed_in_their_time(database: Database) -> None:
    add(database, draft(1), draft(2), draft(3))
    third, second, _first = rows(database)
    settle(database, third, State.SENT, next_ms=1_000)
    settle(database, second, State.DEAD, next_ms=2_000)
    with database.writing() as connection:
        assert remove_settled(connection, 1_999) == 1
        assert remove_settled(connection, 2_000) == 1
        assert remove_settled(connection, 99_999) == 0
    assert [row.seq for row in rows(database)] == [1]


def test_forgetting_removes_the_deliveries_of_some_events_and_no_others(database: Database) -> None:
    add(database, *map(draft, range(4)), replace(draft(1), device="till-2"), replace(draft(1), epoch="cd" * 16))
    settle(database, rows(database)[-1], State.DEAD)
    with database.writing() as connection:
        assert forget_deliveries(connection, ("staging", "till-1", "ab" * 16), [0, 1]) == 0
        assert forget_deliveries(connection, ("production", "till-1", "ab" * 16), [0, 2, 9]) == 2
    assert [(row.device, row.epoch[:2], row.seq) for row in rows(database)] == [
        ("till-1", "cd", 1),
        ("till-2", "ab", 1),
        ("till-1", "ab", 3),
        ("till-1", "ab", 1),
    ]


def test_forgetting_takes_any_number_of_events(database: Database) -> None:
    add(database, *map(draft, range(1_200)))
    with database.writing() as connection:
        assert forget_deliveries(connection, ("production", "till-1", "ab" * 16), range(1_199)) == 1_199


@pytest.mark.parametrize(
    ("wanted", "again"),
    [
        (EVERYTHING, [2, 3]),
        (replace(EVERYTHING, state=State.DEAD), [2]),
        (replace(EVERYTHING, channel="other"), []),
        (replace(EVERYTHING, environment="staging"), []),
    ],
)
def test_another_try_is_for_what_was_not_sent(database: Database, wanted: DeliveryFilter, again: list[int]) -> None:
    add(database, draft(1), draft(2), draft(3))
    third, second, first = rows(database)
    settle(database, first, State.SENT)
    settle(database, second, State.DEAD)
    settle(database, third, State.WAITING, next_ms=8_000)
    with database.writing() as connection:
        assert retry_deliveries(connection, wanted, now_ms=600, until_ms=700) == len(again)
    assert due(database, 600) == again
    assert all(row.until_ms == 700 and row.tries == 0 for row in rows(database) if row.seq in again)


def test_deliveries_are_counted_and_paged(database: Database) -> None:
    add(database, *(draft(seq) for seq in range(5)))
    with database.reading() as connection:
        assert count_deliveries(connection, EVERYTHING) == 5
        first = deliveries_before(connection, EVERYTHING, None, 3)
        second = deliveries_before(connection, EVERYTHING, first[-1].id, 3)
    assert [row.seq for row in (*first, *second)] == [4, 3, 2, 1, 0]


def test_a_channel_has_one_name_in_its_environment(database: Database) -> None:
    with database.writing() as connection:
        assert add_channel(connection, CRM)
        assert not add_channel(connection, replace(CRM, url="https://other.example"))
        assert add_channel(connection, replace(CRM, environment="staging"))
        assert channels_of(connection, "production") == [CRM]
        assert remove_channel(connection, "production", "crm")
        assert not remove_channel(connection, "production", "crm")
        assert not enable_channel(connection, "production", "crm")


def test_a_channel_that_was_made_anew_is_not_disabled_for_the_old_one(database: Database) -> None:
    with database.writing() as connection:
        add_channel(connection, CRM)
        assert not disable_channel(connection, replace(CRM, secret="whsec_old"), 5)
        assert disable_channel(connection, CRM, 5)
        assert not disable_channel(connection, CRM, 6)
        assert channels_of(connection, "production")[0].disabled_ms == 5
        assert enable_channel(connection, "production", "crm")
        assert channels_of(connection, "production")[0].disabled_ms is None


def test_a_channel_does_not_show_its_secret() -> None:
    assert CRM.secret not in repr(CRM)
