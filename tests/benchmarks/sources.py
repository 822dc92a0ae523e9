"""The workloads in this product's own terms: a rule set, and the signed bundle that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from nearwise_rules import Entry, Manifest, development_signer, pack_bundle, seal
from nearwise_rules.rulesets import assemble
from tests.benchmarks.workload import Condition, Flag

if TYPE_CHECKING:
    from nearwise_rules import Json

TYPES = {
    "country": "string",
    "plan": "string",
    "device": "string",
    "app_version": "version",
    "age": "integer",
    "visits": "integer",
}
_SEED = b"the benchmark signs with this key"[:32]
_SYMBOLS = {"eq": "==", "in": "in", "gte": ">=", "lt": "<"}


def public_key() -> bytes:
    """The 32 bytes of the key that the benchmark's bundles are signed with."""
    return development_signer(_SEED).public_key


def condition(stated: Condition) -> Json:
    """One condition as JSONLogic."""
    attribute: Json = {"var": stated.attribute}
    wanted: Json = list(stated.value) if isinstance(stated.value, tuple) else stated.value
    if stated.operator == "semver_gte":
        return {"sem_ver": [attribute, ">=", wanted]}
    return {_SYMBOLS[stated.operator]: [attribute, wanted]}


def flag_document(flag: Flag) -> Json:
    """A flag as its author writes it."""
    rules: list[Json] = []
    for rule in flag.rules:
        when: Json = {"and": [condition(stated) for stated in rule.when]}
        shares: dict[str, Json] = dict(rule.split)
        serve: dict[str, Json] = {"split": shares} if rule.split else {"serve": rule.serve}
        rules.append({"name": rule.name, "when": when, **serve})
    variants: dict[str, Json] = {name: name for name in flag.variants()}
    return {"type": "string", "variants": variants, "default": flag.default, "rules": rules}


def rule_set(flags: Sequence[Flag]) -> dict[str, Json]:
    """The rule set's files by path."""
    attributes: dict[str, Json] = {name: {"type": kind} for name, kind in TYPES.items()}
    files: dict[str, Json] = {"nearwise.yaml": {"name": "benchmark"}, "attributes.yaml": attributes}
    return files | {f"flags/{flag.key}.yaml": flag_document(flag) for flag in flags}


def entries(flags: Sequence[Flag]) -> tuple[Entry, ...]:
    """The checked entries of a rule set of these flags."""
    assembled = assemble(rule_set(flags))
    assert not assembled.problems, assembled.problems[:3]
    return assembled.entries


@cache
def packed(flags: tuple[Flag, ...]) -> bytes:
    """A signed bundle of these flags, as a file."""
    made = entries(flags)
    manifest = Manifest(
        tenant="benchmark",
        environment="benchmark",
        audience="*",
        version=1,
        issued=1_750_000_000.0,
    ).covering(made)
    return pack_bundle(seal(manifest.to_payload(), [development_signer(_SEED)]), made)
