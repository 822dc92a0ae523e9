"""Publishing: versions only rise, what a device would refuse is never stored, and nothing expires by silence."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from nearwise_rules import Bundle, Entry, RulesError
from nearwise_server import publishing
from nearwise_server.app import Centre, open_centre
from nearwise_server.catalogue import Published
from nearwise_server.errors import RuleSetRefused, SigningKeyRefused
from nearwise_server.publishing import Publication
from nearwise_server.settings import Settings
from nearwise_server.store.bundles import newest_versions

if TYPE_CHECKING:
    from nearwise_server.authoring import Built

PUBLICATION = Publication(environment="production", published_by="test")


def newest(centre: Centre) -> Published:
    published = centre.catalogue.newest("production")
    assert published is not None
    return published


def test_publications_at_the_same_time_get_versions_of_their_own(centre: Centre) -> None:
    def publish(number: int) -> int:
        return centre.publisher.publish_entries([Entry.of("flag", "a", {"n": number})], PUBLICATION).version

    with ThreadPoolExecutor(4) as pool:
        versions = sorted(pool.map(publish, range(12)))
    assert versions == list(range(1, 13))
    assert newest(centre).version == 12


def test_what_a_device_would_refuse_is_not_stored(centre: Centre) -> None:
    centre.publisher.publish_entries([Entry.of("flag", "a", {})], PUBLICATION)
    with pytest.raises(RulesError):
        centre.publisher.publish_entries([Entry.of("no kind", "a", {})], PUBLICATION)
    with centre.database.reading() as connection:
        assert newest_versions(connection) == {"production": 1}
    assert newest(centre).version == 1


def test_a_refused_rule_set_names_its_problems(centre: Centre) -> None:
    with pytest.raises(RuleSetRefused) as caught:
        centre.publisher.publish({"flags/a.yaml": "type: text\n"}, PUBLICATION)
    assert caught.value.problems
    assert all(problem["message"] for problem in caught.value.problems)


def test_the_same_content_again_is_a_new_version_with_the_same_root(centre: Centre) -> None:
    first, second = (centre.publisher.publish_entries([Entry.of("flag", "a", {})], PUBLICATION) for _ in range(2))
    assert (first.root, second.version) == (second.root, 2)
    again = centre.catalogue.of_root("production", first.root)
    assert again is not None
    assert again.version == 2


def test_another_signing_key_over_the_same_data_is_said_at_once(settings: Settings, centre: Centre) -> None:
    centre.publisher.publish_entries([Entry.of("flag", "a", {})], PUBLICATION)
    other = Settings(data=settings.data, signing_key_file=f"{settings.data}/other.key")
    with pytest.raises(SigningKeyRefused, match="did not sign"):
        open_centre(other)


def test_a_bundle_is_renewed_when_half_of_its_time_is_over(settings: Settings) -> None:
    now = [1000.0]
    lasting = Settings(data=settings.data, bundle_lifetime_seconds=100)
    centre = open_centre(lasting, clock=lambda: now[0])
    old = centre.publisher.publish_entries([Entry.of("flag", "a", {})], PUBLICATION)
    assert old.bundle.manifest.expires == 1100.0
    now[0] = 1049.0
    centre.publisher.renew()
    assert newest(centre).version == 1
    now[0] = 1051.0
    centre.publisher.renew()
    centre.publisher.renew()
    renewed = newest(centre)
    assert (renewed.version, renewed.root, renewed.bundle.manifest.expires) == (2, old.root, 1151.0)
    centre.close()


def test_a_renewal_never_undoes_what_another_process_has_published(settings: Settings) -> None:
    now = [1000.0]
    lasting = Settings(data=settings.data, bundle_lifetime_seconds=100)
    here, there = (open_centre(lasting, clock=lambda: now[0]) for _ in range(2))
    here.publisher.publish_entries([Entry.of("flag", "a", {"n": 1})], PUBLICATION)
    there.catalogue.refresh()
    now[0] = 1051.0
    new = here.publisher.publish_entries([Entry.of("flag", "a", {"n": 2})], PUBLICATION)
    there.publisher.renew()
    there.catalogue.refresh()
    assert (newest(there).version, newest(there).root) == (new.version, new.root)
    for centre in (here, there):
        centre.close()


def test_a_rule_set_is_built_again_when_another_process_publishes_meanwhile(
    settings: Settings, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_centre(settings)
    built_on: list[int] = []

    def build_slowly(files: Mapping[str, str], previous: Bundle | None) -> Built:
        built_on.append(0 if previous is None else previous.manifest.version)
        if len(built_on) == 1:
            other.publisher.publish_entries([Entry.of("flag", "a", {})], PUBLICATION)
        return build(files, previous)

    build = publishing.build_rule_set
    monkeypatch.setattr(publishing, "build_rule_set", build_slowly)
    published = centre.publisher.publish({"nearwise.yaml": "name: shop\n"}, PUBLICATION)
    assert (built_on, published.version) == ([0, 1], 2)
    other.close()
