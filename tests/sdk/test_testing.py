"""What app developers test with: rules from a mapping or a folder, a clock, forced flags, captured events, a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nearwise import Client, Reason, SettingsInvalid
from nearwise.testing import MemoryServer, RuleSetInvalid, client_from
from nearwise.testing.rule_sets import MEMBERS
from nearwise_rules import Json
from nearwise_rules.rulesets.files import FOLDERS, LISTED

RuleSet = Callable[..., dict[str, Json]]
MORNING: Json = {
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default": "off",
    "rules": [{"when": {"<": [{"var": "now.hour"}, 11]}, "serve": "on"}],
}


def test_a_client_decides_by_a_mapping_of_rules(rule_set: RuleSet) -> None:
    with client_from(rule_set()) as client:
        assert client.context("h-1", basket={"total": 20}).flag("offer") == "10 % off"
        assert client.context("h-1", basket={"total": 19}).flag("offer") == ""


LOUNGE: Json = {
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default": "off",
    "rules": [{"when": {"audience": "vip"}, "serve": "on"}],
}


@pytest.mark.parametrize("audience", [["h-1", "h-2"], {"keys": ["h-1", "h-2", "h-3"], "except": ["h-3"]}])
def test_audiences_are_lists_of_keys(audience: Json) -> None:
    with client_from({"audiences": {"vip": audience}, "flags": {"lounge": LOUNGE}}) as client:
        asked = {who: client.context(who).flag("lounge") for who in ("h-1", "h-2", "h-3", None)}
    assert asked == {"h-1": True, "h-2": True, "h-3": False, None: False}


def test_the_short_form_has_a_member_for_every_file_and_folder_of_a_rule_set() -> None:
    assert set(MEMBERS) == {"settings", "cases", *LISTED, *FOLDERS}


def test_only_flags_can_be_forced() -> None:
    offers: Json = {"tea": {"content": {"title": "Tea"}}}
    placement: Json = {"candidates": {"offers": ["tea"]}, "policies": {"p": {"order": "listed"}}, "blank": True}
    with (
        client_from({"offers": offers, "placements": {"hero": placement}}) as client,
        pytest.raises(SettingsInvalid, match="'hero' is a placement"),
    ):
        client.override("hero", "tea")


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), "yesterday"])
def test_a_clock_is_set_to_a_time(moment: float | str) -> None:
    with client_from({}) as client, pytest.raises(SettingsInvalid, match=r"is no (ISO 8601 )?time"):
        client.at(moment)


def test_offers_placements_models_caps_events_and_triggers_are_members() -> None:
    likely: Json = {"kind": "linear", "intercept": 0, "purposes": ["personalise"]}
    rules: dict[str, Json] = {
        "offers": {"tea": {"content": {"title": "Tea"}, "tags": ["drink"], "value": 2}},
        "placements": {
            "hero": {
                "candidates": {"tags": ["drink"]},
                "policies": {"likely": {"score": {"model": "likely", "value": True}}},
                "blank": True,
            }
        },
        "models": {"likely": likely},
        "caps": {"drinks": {"tag": "drink", "limit": 1, "window": "day"}},
        "events": {"exposure": {"purposes": ["store"]}},
        "triggers": {"thanks": {"on": "purchase"}},
    }
    with client_from(rules) as client:
        client.consent("h-1", {"store": True, "personalise": True})
        visit = client.context("h-1")
        shown = visit.decide("hero")
        assert [(item.key, item.score) for item in shown] == [("tea", 1.0)]
        shown.shown()
        assert visit.decide("hero").keys == []
        visit.track("purchase", 2)
        assert [action.trigger for action in client.actions()] == ["thanks"]


def test_a_folder_has_its_audiences_as_texts(tmp_path: Path) -> None:
    for file, content in {
        "nearwise.json": '{"name": "shop"}',
        "flags/lounge.json": json.dumps(LOUNGE),
        "audiences/vip.txt": "# customers\nh-1\n",
        "audiences/vip.json": '{"known": "all.txt"}',
        "audiences/all.txt": "h-1\nh-2\n",
        "notes.txt": "nothing",
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    with client_from(tmp_path) as client:
        assert (client.context("h-1").flag("lounge"), client.context("h-2").flag("lounge")) == (True, False)
    (tmp_path / "audiences/vip.txt").write_bytes(b"h-1\nh-\xe9\n")
    with pytest.raises(RuleSetInvalid, match="not UTF-8 text"):
        client_from(tmp_path)


def test_the_clock_stands_still_until_it_is_set(rule_set: RuleSet) -> None:
    rules = {**rule_set(morning=MORNING), "settings": {"name": "shop", "zone": "Europe/Warsaw"}}
    with client_from(rules, now="2026-11-23T10:59") as client:
        context = client.context("h-1")
        assert context.flag("morning") is True
        assert context.decide("morning").at == context.decide("morning").at
        assert client.at("2026-11-23T11:00").context("h-1").flag("morning") is False
        assert client.at(datetime(2026, 11, 23, 9, 59, tzinfo=UTC)).context("h-1").flag("morning") is True
        assert client.at("2026-11-23T09:59+00:00").now == client.at(1795427940.0).now


def test_events_are_captured_in_order(rule_set: RuleSet) -> None:
    with client_from(rule_set()) as client:
        assert client.events == []
        context = client.context("h-1", basket={"total": 20})
        context.decide("offer").shown()
        context.track("redemption", 1.0, offer="coffee")
        exposure, redemption = client.events
        assert (exposure["type"], exposure["variant"]) == ("exposure", "coffee")
        assert (redemption["name"], redemption["properties"]) == ("redemption", {"offer": "coffee"})


def test_a_flag_can_be_forced_and_let_go(rule_set: RuleSet) -> None:
    with client_from(rule_set(other={"type": "string", "variants": {"a": "b"}, "default": "a"})) as client:
        context = client.context("h-1", basket={"total": 20})
        client.override("offer", "forced")
        client.override("other", None)
        decision = context.decide("offer")
        assert (decision.value, decision.variant, decision.reason) == ("forced", "override", Reason.STATIC)
        assert context.flag("other", "default") is None
        client.restore("offer")
        assert context.flag("offer") == "10 % off"
        client.restore()
        assert context.flag("other", "default") == "b"


def test_forcing_a_flag_that_does_not_exist_names_the_nearest(rule_set: RuleSet) -> None:
    with client_from(rule_set()) as client:
        with pytest.raises(SettingsInvalid, match=r"no flag 'ofer'; the nearest is 'offer'"):
            client.override("ofer", "forced")
        assert client.context("h-1", basket={"total": 20}).flag("offer") == "10 % off"


def test_a_time_that_is_none_is_an_error_that_shows_one(rule_set: RuleSet) -> None:
    with pytest.raises(SettingsInvalid, match="'yesterday' is no ISO 8601 time, such as 2026"):
        client_from(rule_set(), now="yesterday")
    with client_from(rule_set()) as client, pytest.raises(SettingsInvalid, match="ISO 8601"):
        client.at("noon")


def test_a_decision_can_be_explained(rule_set: RuleSet) -> None:
    with client_from(rule_set()) as client:
        assert "`basket.total` is 12.4" in str(client.context("h-1", basket={"total": 12.4}).explain("offer"))
    with Client() as empty:
        assert "no bundle" in str(empty.context("h-1").explain("offer"))


YAML = """
type: string
variants: {coffee: "10 % off", none: ""}
default: none
rules:
  - name: big basket
    when: {">=": [{var: basket.total}, 20]}
    serve: coffee
"""


def test_a_folder_of_yaml_or_json_is_read(rule_set: RuleSet, tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    (tmp_path / "nearwise.yaml").write_text("name: shop\nzone: Europe/Warsaw\n")
    (tmp_path / "attributes.json").write_text(json.dumps(rule_set()["attributes"]))
    (tmp_path / "flags" / "offer.yaml").write_text(YAML)
    (tmp_path / "notes.txt").write_text("not a rule")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text("{")
    for source in (tmp_path, str(tmp_path)):
        with client_from(source) as client:
            assert client.context("h-1", basket={"total": 20}).flag("offer") == "10 % off"


def test_words_and_times_of_yaml_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags" / "odd.yaml").write_text(
        "type: object\ndefault: a\nvariants: {a: {no: off, at: 06:00, on: 2026-11-23, n: 7, f: 1.5, t: true, z: null}}"
    )
    with client_from(tmp_path) as client:
        assert client.context().flag("odd") == {
            "no": "off",
            "at": "06:00",
            "on": "2026-11-23",
            "n": 7,
            "f": 1.5,
            "t": True,
            "z": None,
        }


def test_all_problems_of_a_rule_set_are_listed(rule_set: RuleSet) -> None:
    broken = rule_set(other={"type": "string", "variants": {"a": "b"}, "default": "missing"})
    broken["attributes"] = {}
    with pytest.raises(RuleSetInvalid) as caught:
        client_from(broken)
    assert "basket.total" in str(caught.value)
    assert "missing" in str(caught.value)


def test_what_is_no_rule_set_is_refused(tmp_path: Path) -> None:
    sources: list[Path | dict[str, object]] = [tmp_path / "nothing", {"flagz": {}}]
    for source in sources:
        with pytest.raises(RuleSetInvalid):
            client_from(source)
    (tmp_path / "attributes.yaml").write_text("a: [")
    with pytest.raises(RuleSetInvalid, match=r"attributes\.yaml"):
        client_from(tmp_path)


def test_a_server_in_memory_serves_clients_and_keeps_their_events(rule_set: RuleSet) -> None:
    server = MemoryServer(rule_set())
    with Client(server, trust=server.public_key) as client:
        assert client.ready(10)
        client.context("h-1").track("purchase", 12.4)
        assert client.flush(10) == 0
    (event,) = server.events
    assert (event.type, event.subject, event.sequence, event.fields["value"]) == ("track", "h-1", 0, 12.4)
