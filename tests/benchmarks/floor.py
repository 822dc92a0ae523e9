"""The floor: what an expert would write by hand in plain Python for exactly these rules, and nothing more.

Sets and versions of the rules are prepared when loaded. The hand-written code validates nothing, gives no reasons,
keeps no version of its rules and records nothing. The six conditions survive a missing attribute: shop data has holes.
"""

from __future__ import annotations

from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled out, since importing typing would slow the floor's own start
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    Decide: TypeAlias = Callable[[Mapping[str, Any]], str]

_COUNTRIES = frozenset(["PL", "DE", "CZ", "SK", "LT"])
_PLANS = frozenset(["gold", "platinum"])


def six_indexed(context: Mapping[str, Any]) -> bool:
    """The six conditions by plain indexing: the fastest form when everything is present."""
    try:
        device = context["device"]
        member = context["member"]
        return (
            context["store"]["country"] in _COUNTRIES
            and device["build"] >= 4200
            and "coffee" in context["screen"]["path"]
            and member["plan"] in _PLANS
            and member["since"] is not None
            and device["locale"] is not None
            and context["basket"]["total"] < 80
        )
    except (KeyError, TypeError):
        return False


def six_guarded(context: Mapping[str, Any]) -> bool:
    """The six conditions by `.get`: the fastest form when something is missing."""
    if context["store"].get("country") not in _COUNTRIES:
        return False
    device = context["device"]
    build = device.get("build")
    if build is None or build < 4200:
        return False
    path = context["screen"].get("path")
    if path is None or "coffee" not in path:
        return False
    member = context["member"]
    if member.get("plan") not in _PLANS or member.get("since") is None or device.get("locale") is None:
        return False
    total = context["basket"].get("total")
    return total is not None and total < 80


def typical(salt: int, constants: Sequence[Any]) -> Decide:
    """One flag of W2's shape with its constants bound; the split is a CRC of the key, as experts do."""
    c1, p1, v1, c2, p2, n2, d2, c3, p3, v3, c4, p4, a4, v4, d5, a5, p5 = constants

    def decide(context: Mapping[str, Any]) -> str:
        country = context["country"]
        plan = context["plan"]
        x, y, z = context["app_version"].split(".")
        version = (int(x), int(y), int(z))
        if country in c1 and plan == p1 and version >= v1:
            return "r1"
        if country in c2 and plan == p2 and context["visits"] >= n2 and context["device"] in d2:
            return "r2"
        if country in c3 and plan in p3 and version >= v3:
            return "r3"
        if country in c4 and plan == p4 and context["age"] >= a4 and version >= v4:
            bucket = crc32(context["key"].encode(), salt) % 100
            if bucket < 40:
                return "s0"
            if bucket < 70:
                return "s1"
            return "s2" if bucket < 90 else "s3"
        if context["device"] in d5 and context["age"] < a5 and plan in p5:
            return "r5"
        return "off"

    return decide


def prepare(flags: Sequence[Mapping[str, Any]]) -> dict[str, Decide]:
    """Functions by flag key, from the neutral flags as JSON (`when` a list of [attribute, operator, value])."""
    prepared: dict[str, Decide] = {}
    for flag in flags:
        constants: list[Any] = []
        for rule in flag["rules"]:
            for _, operator, value in rule["when"]:
                if operator == "in":
                    constants.append(frozenset(value))
                elif operator == "semver_gte":
                    constants.append(tuple(map(int, value.split("."))))
                else:
                    constants.append(value)
        prepared[flag["key"]] = typical(crc32(flag["key"].encode()), constants)
    return prepared
