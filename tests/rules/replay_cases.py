"""Rule sets made at random, with a bit of everything, and devices that live by them for a while."""

from __future__ import annotations

from random import Random
from typing import Any

from nearwise.testing.rule_sets import packed_bundle, signer
from nearwise_rules import (
    Assignment,
    Decision,
    Recording,
    Release,
    Signal,
    Surroundings,
    Trust,
    open_bundle,
    owner_of,
    purposes_mask,
    record,
)
from nearwise_rules.decide.surroundings import place_of
from tests.rules.placement_cases import MONDAY, Remembered

SUBJECTS: tuple[Any, ...] = ("h-1", "h-2", "h-3", "Łódź", 42, None)
CATEGORIES = ("COFFEE", "TEA", "BREAD", "WINE")
PLACEMENTS = ("hero", "strip", "receipt")
FLAGS = ("layout", "banner", "colour", "mood")
CONSENTS = (("profile", "personalise", "analyse"), ("personalise",), ())
DAY = 86_400.0

ATTRIBUTES: dict[str, Any] = {
    "basket.total": {"type": "number", "range": [0, 10_000]},
    "basket.tags": {"type": "list", "of": "string"},
    "customer": {"type": "object"},
    "household": {"type": "string", "privacy": "personal", "purposes": ["personalise"]},
    "device.locale": {"type": "string", "source": "device"},
    "device.battery": {"type": "number", "source": "device"},
    "queue.length": {"type": "integer", "source": "signal"},
    "mood": {"type": "string", "source": "signal", "purposes": ["personalise"]},
    "loyalty.tier": {"type": "string", "source": "trait", "purposes": ["personalise"]},
    "loyalty.points": {"type": "integer", "source": "trait", "purposes": ["profile"]},
    "coffee.days": {
        "type": "integer",
        "source": "history",
        "purposes": ["profile"],
        "history": {"count": "purchase", "where": {"category": "COFFEE"}, "distinct": "day", "window": "28d"},
    },
    "spent": {
        "type": "number",
        "source": "history",
        "purposes": ["profile"],
        "history": {"sum": "purchase", "window": "week"},
    },
    "kinds": {
        "type": "integer",
        "source": "history",
        "purposes": ["profile"],
        "history": {"count": "purchase", "distinct": "category", "window": "60d"},
    },
    "since.same": {
        "type": "number",
        "source": "history",
        "purposes": ["profile"],
        "history": {"since_last": "purchase", "where": {"category": {"var": "offer.properties.category"}}},
    },
    "till.sales": {"type": "integer", "source": "history", "history": {"count": "purchase", "per": "device"}},
}
"""Of every source, with and without purposes."""


def _condition(random: Random) -> Any:
    total = random.choice((5, 20, 40))
    return random.choice(
        (
            {">=": [{"var": "basket.total"}, total]},
            {"in": ["coffee", {"var": "basket.tags"}]},
            {"==": [{"var": "customer.kind"}, random.choice(("new", "old"))]},
            {"==": [{"var": "household"}, "hh-1"]},
            {"segment": "regulars"},
            {">": [{"var": "coffee.days"}, random.choice((0, 2))]},
            {"<": [{"var": "spent"}, total]},
            {">=": [{"var": "kinds"}, 2]},
            {">": [{"var": "till.sales"}, 3]},
            {"==": [{"var": "loyalty.tier"}, "gold"]},
            {">": [{"var": "loyalty.points"}, 100]},
            {"<": [{"var": "queue.length"}, 4]},
            {"<": [{"var": "seconds_since.queue.length"}, 120]},
            {"==": [{"var": "mood"}, "good"]},
            {"<": [{"var": "device.battery"}, 0.5]},
            {"in": [{"var": "now.weekday"}, ["mon", "tue"]]},
            {">": [{"model": "likes"}, 0.5]},
            {"audience": "vip"},
            {"flag": ["colour", "on"]},
            {"==": [{"var": "subject"}, "h-1"]},
        )
    )


def _cap(random: Random, *counts: str) -> dict[str, Any]:
    return {
        "limit": random.choice((1, 2, 4)),
        "per": random.choice(("subject", "subject", "device")),
        "window": random.choice(("day", "7d", "ever", "30m")),
        "count": random.choice(counts or ("exposure", "exposure", "decision", "click")),
    }


def _offer(random: Random, number: int) -> dict[str, Any]:
    category = CATEGORIES[number % len(CATEGORIES)]
    offer: dict[str, Any] = {
        "content": {"title": {"en": f"Offer {number}", "pl": f"Oferta {number}"}},
        "tags": ["t", category.lower()],
        "properties": {"category": category},
        "value": random.choice((1, 2, 0.1 + number / 7, {"var": ["basket.total", 3]}, {"*": [{"var": "spent"}, 0.37]})),
    }
    if random.random() < 0.3:
        offer["content"]["text"] = (
            "For {{ customer.name }}{{^ customer.name }}you{{/ customer.name }} at {{ household }}"
        )
        offer["otherwise"] = {"text": "For you"}
    if random.random() < 0.5:
        offer["eligible"] = _condition(random)
    if random.random() < 0.15:
        offer["eligible"] = {"<": [{"var": ["since.same", 99]}, 20]}
    if random.random() < 0.5:
        offer["caps"] = [_cap(random, "exposure", "decision"), *([_cap(random, "click")] * random.randint(0, 1))]
    if random.random() < 0.3:
        offer["suppress"] = [{"after": "purchase", "window": "2d", "match": ["category"]}]
    if random.random() < 0.2:
        offer["cooldown"] = {"times": 2, "pause": "7d", "window": "30d"}
    if random.random() < 0.2:
        offer["budget"] = {"total": 40, "mode": random.choice(("hard", "smooth")), "devices": 8}
    if random.random() < 0.2:
        offer["when"] = {"days": ["mon", "wed", "fri"], "from": "06:00", "until": "20:00"}
    if random.random() < 0.2:
        offer["purposes"] = ["personalise"]
    if random.random() < 0.3:
        offer |= {
            "probability": {"model": "likes"},
            "cost": 0.05,
            "lever": random.choice((10, {"var": "queue.length"})),
        }
    return offer


def _rules(random: Random, variants: tuple[str, ...], trials: list[str]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    conditions = {str(condition): condition for condition in (_condition(random) for _ in range(random.randint(0, 3)))}
    for place, condition in enumerate(conditions.values(), 1):
        rule = {} if place == len(conditions) and random.random() < 0.5 else {"when": condition}
        kind = random.random()
        if kind < 0.4:
            rule["serve"] = random.choice(variants)
        else:
            rule["split"] = {variants[0]: 40, variants[-1]: random.choice((30, 60))}
            if kind < 0.5:
                rule["by"] = random.choice(("customer.kind", "basket.total"))
            elif trials and kind < 0.8:
                rule["experiment"] = trials.pop()
                rule["split"] = {variants[0]: 50, variants[-1]: 50}
        rules.append(rule)
    return rules


def _flag(random: Random, key: str, trials: list[str]) -> dict[str, Any]:
    flag: dict[str, Any] = {
        "type": "string" if key != "colour" else "object",
        "variants": {"on": "yes", "off": "no", "some": "perhaps"}
        if key != "colour"
        else {"on": {"rgb": [0.5, 1.0, 2], "name": "ł"}, "off": {}},
        "default": "off",
    }
    flag["rules"] = [] if key == "colour" else _rules(random, ("on", "some"), trials)
    if key == "colour":
        flag["rules"] = [{"when": {">": [{"var": "basket.total"}, 10]}, "serve": "on"}]
    if random.random() < 0.2:
        flag["holdout"] = {"percent": 20}
    if key in ("layout", "mood") and random.random() < 0.5:
        flag["requires"] = [{"flag": "banner", "variant": ["on", "off"]}]
    return flag


def _placement(random: Random, trials: list[str]) -> dict[str, Any]:
    policies = {
        "value": {"score": {"value": True, "probability": True, "cost": True, "lever": True}},
        "likes": {"score": {"model": "likes", "value": True, "context": {"var": ["queue.length", 5]}}},
        "listed": {"order": "listed"},
        "any": {"order": "random"},
    }
    names = tuple(random.sample(sorted(policies), random.randint(1, 3)))
    candidates = random.choice(({"tags": ["t"]}, {"tags": ["coffee", "tea"]}, {"tags": ["tea"], "model": "goes_with"}))
    placement: dict[str, Any] = {
        "candidates": candidates,
        "policies": {name: policies[name] for name in names},
        "size": random.randint(1, 3),
        **({"fallback": ["thanks"]} if random.random() < 0.7 else {"blank": True}),
        "rules": _rules(random, (*names, "fallback"), trials),
    }
    if random.random() < 0.4:
        placement["at_most"] = [{"tag": "coffee", "items": 1}]
    if random.random() < 0.4:
        placement["caps"] = [_cap(random)]
    return placement


def random_files(random: Random) -> dict[str, Any]:
    """A rule set with flags, placements, offers, caps, history, experiments, models and an audience."""
    experiments = {
        f"e{number}": {
            **({"layer": "l", "share": 40} if number < 2 else {}),
            **({"by": "household"} if number == 2 and random.random() < 0.5 else {"sticky": random.random() < 0.6}),
            **({"holdout": {"percent": 20}} if random.random() < 0.3 else {}),
            **({"overrides": {"h-2": "?"}} if random.random() < 0.2 else {}),
            "ramp": [{"at": "2026-11-24", "share": 20}] if random.random() < 0.3 else [],
        }
        for number in range(4)
    }
    trials = sorted(experiments)
    flags = {key: _flag(random, key, trials) for key in FLAGS}
    placements = {key: _placement(random, trials) for key in PLACEMENTS}
    used = _used(experiments, {**flags, **placements})
    offers = {f"o{number:02}": _offer(random, number) for number in range(12)}
    offers["thanks"] = {"content": {"title": "Thanks"}}
    features = {"basket.total": {"weight": 0.01}, "offer.properties.category": {"values": {"TEA": 0.7, "WINE": -0.3}}}
    neighbours = {"COFFEE": {"TEA": 0.5, "BREAD": 0.2}, "WINE": {"BREAD": 0.9}}
    return {
        "nearwise.json": {"name": "shop", "zone": "Europe/Warsaw", "locales": {"default": "en"}},
        "attributes.json": ATTRIBUTES,
        "segments.json": {
            "regulars": {"when": {"and": [{">": [{"var": "coffee.days"}, 0]}, {"flag": ["colour", "on"]}]}}
        },
        "layers.json": {"l": {}},
        "caps.json": {"coffee": {"tag": "coffee", "limit": 3, "window": "day"}, "all": {"limit": 9, "window": "7d"}},
        "audiences/vip.json": {"keys": ["h-1", "h-3"], "purposes": ["personalise"]},
        "models/likes.json": {"kind": "linear", "features": features, "fallback": 0.25, "purposes": ["personalise"]},
        "models/goes_with.json": {
            "kind": "neighbours",
            "reads": "basket.tags",
            "match": "category",
            "neighbours": neighbours,
        },
        **{f"experiments/{key}.json": document for key, document in used.items()},
        **{f"flags/{key}.json": document for key, document in flags.items()},
        **{f"placements/{key}.json": document for key, document in placements.items()},
        **{f"offers/{key}.json": document for key, document in offers.items()},
    }


def _used(experiments: dict[str, Any], asking: dict[str, Any]) -> dict[str, Any]:
    """The experiments that some rule names, their overrides naming a variant of it."""
    used: dict[str, Any] = {}
    for rule in [rule for document in asking.values() for rule in document["rules"]]:
        key = rule.get("experiment")
        if key is not None:
            used[key] = experiments[key]
            if "overrides" in used[key]:
                used[key]["overrides"] = {"h-2": next(iter(rule["split"]))}
    return used


class RandomTill:
    """A device that lives by a random rule set: asked, shown to, bought from, its clock running on."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.packed = packed_bundle(random_files(random))
        self.history = Remembered("Europe/Warsaw")
        self.at = MONDAY
        self.granted = 0
        self.release = self.opened()
        self.known = self.surround()

    def opened(self) -> Release:
        """The release of the bundle's bytes, opened afresh."""
        bundle = open_bundle(self.packed, Trust(keys={signer().key_id: signer().public_key}))
        return Release(bundle, Decision, lambda _: self.known)

    def surround(self) -> Surroundings:
        random, signals = self.random, dict[str, Signal]()
        if random.random() < 0.7:
            signals["queue.length"] = Signal(random.randint(0, 9), self.at - random.choice((3.25, 400)), self.at + 1)
        if random.random() < 0.5:
            signals["mood"] = Signal(random.choice(("good", "bad")), self.at - 10)
            signals["device.battery"] = Signal(random.random(), self.at)
        traits = {"loyalty.tier": random.choice(("gold", "none")), "loyalty.points": random.randint(0, 200), "more": 1}
        history = None if random.random() < 0.05 else self.history
        return Surroundings(self.granted, history, signals, traits, random.choice(("till-1", "till-2")))

    def example(self) -> Recording:
        """The recording of a decision on a placement, with something in every part."""
        self.granted = purposes_mask(CONSENTS[0])
        self.known = self.surround()._replace(history=self.history)
        self._happened("exposure", "h-1", {"offer": "o00", "placement": "hero", "tag": ["coffee"]})
        question = self.release.question(self.data(), "h-1", self.at)
        return record(self.release, question, self.release.ask("hero", question, ["o01"]), ["o01"])

    def data(self) -> dict[str, Any]:
        """A context, with more in it than rules read."""
        random = self.random
        data: dict[str, Any] = {"basket": {"total": random.choice((0, 7.3, 25, 55.1)), "secret": "x"}, "unread": [1, 2]}
        if random.random() < 0.6:
            data["basket"]["tags"] = random.sample(("coffee", "TEA", "COFFEE", "WINE"), 2)
        if random.random() < 0.6:
            data["customer"] = {"kind": random.choice(("new", "old")), "name": "Ewa"}
        if random.random() < 0.4:
            data["household"] = random.choice(("hh-1", "hh-2"))
        if random.random() < 0.4:
            data["device"] = {"locale": random.choice(("pl-PL", "en", "de"))}
        return data

    def live(self, subject: Any, decisions: list[Decision]) -> None:
        """What may happen after a decision: it is remembered, shown, held; something is bought; time goes by."""
        random, owner = self.random, owner_of(subject)
        for decision in decisions:
            for each in decision.assignments:
                assignment = Assignment(each.variant, each.propensity or 0.0, self.at)
                self.history.assign(owner, each.experiment, assignment)
            for item in decision.items:
                about = {"offer": item.key, "placement": decision.flag, "tag": list(item.tags)}
                self._happened("decision", owner, about)
                if random.random() < 0.5:
                    self._happened("exposure", owner, about)
                elif random.random() < 0.5:
                    for per, name in (("subject", owner), ("device", "")):
                        keys = [key for whose, key in item[0].held if whose == per]
                        place = place_of(decision.flag, per, subject)
                        self.history.recall(name).hold(keys, place, self.at + DAY)
                if random.random() < 0.2:
                    self._happened(random.choice(("click", "rejection")), owner, about)
        if random.random() < 0.4:
            self._happened("purchase", owner, {"category": random.choice(CATEGORIES)}, random.random() * 30)
        self.at += random.choice((0.000_123, 7.5, 900, 5 * 3600, 2 * DAY, -60))
        self.granted = purposes_mask(random.choice(CONSENTS))
        self.known = self.surround()

    def _happened(self, event: str, owner: str, properties: dict[str, Any], value: float = 0.0) -> None:
        for per, name in (("subject", owner), ("device", "")):
            view = self.release.remembers.view(per, self.granted)
            view.record(self.history.recall(name), event, properties, value, self.at)
