"""What devices poll and fetch: an old bundle is loaded and a delta made once, however many ask at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from nearwise_rules import Bundle, Entry, RulesError, pack_delta
from nearwise_server import catalogue
from nearwise_server.app import Centre, open_centre
from nearwise_server.publishing import Publication
from nearwise_server.settings import Settings
from nearwise_server.store import bundles, tables

PUBLICATION = Publication(environment="production", published_by="test")


def publish(centre: Centre, *numbers: int) -> str:
    """Publish a flag for each number; the root of that content."""
    entries = [Entry.of("flag", f"flag-{number}", {"n": number}) for number in numbers]
    return centre.publisher.publish_entries(entries, PUBLICATION).root


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The roots whose content was read from the store, as it happens."""
    seen: list[str] = []
    content_of = bundles.content_of

    def counting(connection: object, row: bundles.BundleRow) -> list[Entry]:
        seen.append(row.root)
        return content_of(connection, row)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(catalogue, "content_of", counting)
    return seen


def test_the_version_before_the_newest_is_still_in_memory(centre: Centre, loads: list[str]) -> None:
    old, new = publish(centre, *range(100)), publish(centre, *range(1, 100))
    assert centre.catalogue.delta("production", old, new) is not None
    assert loads == []


def test_a_fleet_that_asks_at_once_makes_one_load_and_one_delta(
    settings: Settings, centre: Centre, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = publish(centre, *range(100)), publish(centre, *range(1, 100))
    made: list[bytes | None] = []

    def counting(base: Bundle, target: Bundle) -> bytes | None:
        made.append(pack_delta(base, target))
        return made[-1]

    monkeypatch.setattr(catalogue, "pack_delta", counting)
    restarted = open_centre(settings)
    loads.clear()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(restarted.catalogue.delta, "production", old, new) for _ in range(64)]
        answers = {each.result() for each in asked}
    restarted.close()
    assert (loads, len(made), answers) == ([old], 1, {made[0]})


def test_an_entry_of_many_versions_is_read_once(centre: Centre) -> None:
    for number in range(20):
        publish(centre, 1000, number)
    publish(centre, 30)
    digest = Entry.of("flag", "flag-1000", {"n": 1000}).digest
    with centre.database.reading() as connection:
        rows = connection.execute(bundles.entries_query("production", [digest])).all()
    assert len(rows) == 1
    assert centre.catalogue.entries("production", [digest])[digest].key == "flag-1000"


def test_an_environment_that_cannot_be_read_stops_no_other(settings: Settings, centre: Centre) -> None:
    other = open_centre(settings)
    for environment in ("a-broken", "b-good"):
        publication = Publication(environment=environment, published_by="test")
        other.publisher.publish_entries([Entry.of("flag", "a", {"in": environment})], publication)
    with other.database.writing() as connection:
        broken = tables.bundles.c.environment == "a-broken"
        connection.execute(update(tables.bundles).where(broken).values(envelope=b""))
    other.close()
    assert set(centre.catalogue.refresh()) == {"a-broken"}
    assert centre.catalogue.newest("b-good") is not None
    bad, good = (Publication(environment=name, published_by="test") for name in ("a-broken", "b-good"))
    with pytest.raises(RulesError):
        centre.publisher.publish({"nearwise.yaml": "name: shop\n"}, bad)
    assert centre.publisher.publish({"nearwise.yaml": "name: shop\n"}, good).version == 2
