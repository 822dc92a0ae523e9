"""Several servers over one PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearwise_rules import Entry
from nearwise_server.app import Centre, open_centre
from nearwise_server.publishing import Publication
from nearwise_server.settings import Settings
from nearwise_server.store import open_database


@pytest.fixture
def settings(tmp_path: Path, postgresql_url: str) -> Settings:
    """The settings of each server: same key, same database."""
    return Settings(data=str(tmp_path / "server"), port=0, database_url=postgresql_url)


def test_what_one_server_publishes_another_serves_after_looking(settings: Settings, centre: Centre) -> None:
    other = open_centre(settings)
    publication = Publication(environment="production", published_by="test")
    for number in range(3):
        centre.publisher.publish_entries([Entry.of("flag", "f", {"n": number})], publication)
    assert other.catalogue.newest("production") is None
    other.catalogue.refresh()
    newest = other.catalogue.newest("production")
    assert newest is not None
    assert (newest.version, newest.bundle.entry("flag", "f")) == (3, b'{"n":2}')
    rolled = other.publisher.roll_back(1, publication)
    assert (rolled.version, rolled.bundle.entry("flag", "f")) == (4, b'{"n":0}')
    other.close()


def test_the_schema_is_made_once(postgresql_url: str) -> None:
    for _ in range(2):
        open_database(postgresql_url).close()
