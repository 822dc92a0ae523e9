"""What is measured: one rule of six conditions, one flag of five rules (W2), a thousand such flags (W3).

Everything is stated once in a neutral form (`Flag`, `Rule`, `Condition`) from which each peer writes its own format,
and `expected` is the reference that every peer must agree with before it is timed. Constants come from a fixed seed.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Operator = Literal["eq", "in", "gte", "lt", "semver_gte"]
Attributes = dict[str, object]

SEED = 20240607
SPLIT = (("s0", 40), ("s1", 30), ("s2", 20), ("s3", 10))
_CODES = "ATBEBGBRCACHCNCZDKEEESFIFRGBGRHRHUIEINITJPLTLVMXNLNOPLPTROSESISKUS"
_COUNTRIES = tuple(_CODES[start : start + 2] for start in range(0, len(_CODES), 2))
_DEVICES = ("android", "web", "tv", "desktop")


@dataclass(frozen=True, slots=True)
class Condition:
    """`attribute operator value`: a string for eq and semver_gte, strings for in, a number for gte and lt."""

    attribute: str
    operator: Operator
    value: str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold -> `serve`, or the shares (percent) of `split` by the subject key."""

    name: str
    when: tuple[Condition, ...]
    serve: str = ""
    split: tuple[tuple[str, int], ...] = ()

    def variants(self) -> tuple[str, ...]:
        """The variants this rule can serve, in order."""
        return tuple(name for name, _ in self.split) or (self.serve,)


@dataclass(frozen=True, slots=True)
class Flag:
    """Ordered rules; the first that holds decides, else `default`."""

    key: str
    rules: tuple[Rule, ...]
    default: str = "off"

    def variants(self) -> tuple[str, ...]:
        """Every variant, the default first, each once."""
        return tuple(dict.fromkeys([self.default, *(name for rule in self.rules for name in rule.variants())]))


def neutral(flags: Sequence[Flag]) -> list[dict[str, object]]:
    """The flags as plain JSON: what the floor loads from disk."""
    return [
        {
            "key": flag.key,
            "default": flag.default,
            "rules": [
                {
                    "name": rule.name,
                    "serve": rule.serve,
                    "split": [list(share) for share in rule.split],
                    "when": [
                        [condition.attribute, condition.operator, _plain(condition.value)] for condition in rule.when
                    ],
                }
                for rule in flag.rules
            ],
        }
        for flag in flags
    ]


def _plain(value: str | int | tuple[str, ...]) -> object:
    return list(value) if isinstance(value, tuple) else value


def typical_flag(key: str, rng: random.Random) -> Flag:
    """Five rules of 3-4 conditions; `BASE` fails rules 1, 2, 3 at their 1st, 2nd, 3rd condition and matches rule 4."""
    enterprise = Condition("plan", "eq", "enterprise")
    first = (_countries(rng, 4), enterprise, _at_least(rng.randint(1, 3), rng.randint(0, 9), 0))
    second = (
        _countries(rng, 3, "DE"),
        enterprise,
        Condition("visits", "gte", rng.randint(5, 40)),
        Condition("device", "in", (*rng.sample(_DEVICES, 2), "ios")),
    )
    third = (
        _countries(rng, 5, "DE"),
        Condition("plan", "in", ("pro", "team")),
        _at_least(4, rng.randint(0, 9), rng.randint(0, 9)),
    )
    fourth = (
        _countries(rng, 6, "DE"),
        Condition("plan", "eq", "pro"),
        Condition("age", "gte", rng.randint(18, 30)),
        _at_least(3, rng.randint(2, 9), rng.randint(0, 4)),
    )
    fifth = (
        Condition("device", "in", ("web", "desktop")),
        Condition("age", "lt", rng.randint(40, 60)),
        Condition("plan", "in", ("free", "trial")),
    )
    split = Rule("r4", fourth, split=SPLIT)
    return Flag(
        key,
        (Rule("r1", first, "r1"), Rule("r2", second, "r2"), Rule("r3", third, "r3"), split, Rule("r5", fifth, "r5")),
    )


def _countries(rng: random.Random, count: int, *first: str) -> Condition:
    return Condition("country", "in", (*first, *rng.sample(_COUNTRIES, count)))


def _at_least(major: int, minor: int, patch: int) -> Condition:
    return Condition("app_version", "semver_gte", f"{major}.{minor}.{patch}")


def one_flag() -> tuple[Flag, ...]:
    """W2: the flag `typical`."""
    return (typical_flag("typical", random.Random(SEED)),)


def many_flags(count: int = 1000) -> tuple[Flag, ...]:
    """W3: flags like W2's, each with its own constants, keys `flag-0000` and on."""
    rng = random.Random(SEED)
    return tuple(typical_flag(f"flag-{number:04d}", rng) for number in range(count))


BASE: Attributes = {
    "key": "user-0",
    "country": "DE",
    "plan": "pro",
    "device": "ios",
    "app_version": "3.12.4",
    "age": 34,
    "visits": 57,
}


def contexts(count: int, prefix: str = "user") -> list[Attributes]:
    """Contexts that differ in the subject key only: one path through the rules, other buckets."""
    return [BASE | {"key": f"{prefix}-{number:06d}"} for number in range(count)]


def probes() -> list[Attributes]:
    """Contexts that between them reach every rule, the default and the edges of the operators."""
    edits: Sequence[Attributes] = (
        {},
        {"country": "XX"},
        {"plan": "enterprise", "visits": 99},
        {"plan": "enterprise", "visits": 1},
        {"plan": "team", "app_version": "4.10.12"},
        {"app_version": "4.10.12"},
        {"app_version": "3.1.9"},
        {"app_version": "3.2.10", "age": 17},
        {"plan": "free", "device": "web", "age": 20},
        {"plan": "trial", "device": "desktop", "age": 60},
        {"plan": "enterprise", "country": "US"},
        {"plan": "enterprise", "country": "FR", "app_version": "2.0.0", "device": "tv", "visits": 50},
        {"app_version": "10.0.0"},
        {"age": 18},
        {"age": 30},
    )
    return [BASE | {"key": f"probe-{number}"} | edit for number, edit in enumerate(edits)]


def version(text: str) -> tuple[int, ...]:
    """`3.12.4` as numbers that compare."""
    return tuple(int(part) for part in text.split("."))


def _holds(condition: Condition, attributes: Attributes) -> bool:
    have, wanted = attributes[condition.attribute], condition.value
    if condition.operator == "semver_gte":
        return version(str(have)) >= version(str(wanted))
    if isinstance(have, int) and isinstance(wanted, int):
        return have >= wanted if condition.operator == "gte" else have < wanted
    return have in wanted if isinstance(wanted, tuple) else have == wanted


def expected(flag: Flag, attributes: Attributes) -> tuple[str, ...]:
    """The variants that are right for these attributes: one, or those of a split."""
    for rule in flag.rules:
        if all(_holds(condition, attributes) for condition in rule.when):
            return rule.variants()
    return (flag.default,)


# --- one rule of six conditions, as JSONLogic, over a nested context of 27 leaves

SIX = {
    "and": [
        {"in": [{"var": "store.country"}, ["PL", "DE", "CZ", "SK", "LT"]]},
        {">=": [{"var": "device.build"}, 4200]},
        {"in": ["coffee", {"var": "screen.path"}]},
        {"or": [{"==": [{"var": "member.plan"}, "gold"]}, {"==": [{"var": "member.plan"}, "platinum"]}]},
        {"!": [{"missing": ["member.since", "device.locale"]}]},
        {"<": [{"var": "basket.total"}, 80]},
    ]
}
SIX_TYPES = {
    "store.country": "string",
    "device.build": "integer",
    "screen.path": "string",
    "member.plan": "string",
    "member.since": "string",
    "device.locale": "string",
    "basket.total": "number",
}
_SIX_BASE: dict[str, Attributes] = {
    "store": {"id": "s-118", "country": "PL", "city": "Gdynia", "format": "kiosk", "zone": "Europe/Warsaw"},
    "device": {"id": "till-07", "os": "linux", "build": 4711, "model": "K9", "locale": "pl-PL", "memory": 2048},
    "screen": {"path": "/menu/coffee/espresso", "visit": 3, "seconds": 12.5, "language": "pl"},
    "member": {"id": "m-1042", "plan": "gold", "since": "2021-03-04", "points": 2310, "visits": 57, "email": True},
    "basket": {"total": 23.9, "items": 4, "currency": "PLN", "coupons": 1, "weight": 1.2, "paid": False},
}


def six_context(number: int = 0) -> Attributes:
    """A context for which all six conditions hold."""
    context: dict[str, Attributes] = copy.deepcopy(_SIX_BASE)
    context["member"]["id"] = f"m-{number:04d}"
    context["basket"]["total"] = 20 + number % 50 + 0.9
    return {**context}


def six_contexts(count: int) -> list[Attributes]:
    """Contexts with every attribute present, the rule holds."""
    return [six_context(number) for number in range(count)]


def six_without(names: Sequence[str], count: int) -> Iterator[Attributes]:
    """Contexts that each lack one attribute of `names`, in turn: the rule does not hold."""
    for number in range(count):
        context = six_context(number)
        group, leaf = names[number % len(names)].split(".")
        inner = context[group]
        assert isinstance(inner, dict)
        del inner[leaf]
        yield context


def six_edges() -> list[tuple[Attributes, bool]]:
    """Contexts at the edge of each condition, with the answer; no null, on which engines differ."""
    edits: Sequence[tuple[str, str, object, bool]] = (
        ("store", "country", "FR", False),
        ("store", "country", "LT", True),
        ("device", "build", 4200, True),
        ("device", "build", 4199, False),
        ("screen", "path", "/menu/tea", False),
        ("member", "plan", "platinum", True),
        ("member", "plan", "silver", False),
        ("basket", "total", 80, False),
        ("basket", "total", 79.99, True),
    )
    edges = [(six_context(), True)]
    for group, leaf, value, holds in edits:
        context = six_context()
        inner = context[group]
        assert isinstance(inner, dict)
        inner[leaf] = value
        edges.append((context, holds))
    return edges
