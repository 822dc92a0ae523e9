"""The peers: other engines given the same rules, each optional and skipped with a note when it is not installed.

A peer's `six` is the call for the rule of six conditions, `flag` the call for W2 as its users make it, its context
built from the plain dict at every call. `pip install "nearwise[bench]"` installs them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.workload import SIX, Condition, Flag

Call = Callable[[Any], object]
Json = dict[str, Any]

_DATE = "2024-06-07T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine: the module it is imported from, the distribution that has it, and its two calls where it can."""

    name: str
    module: str
    distribution: str
    six: Callable[[], Call] | None = None
    flag: Callable[[Flag], Call] | None = None

    def is_installed(self) -> bool:
        """Whether the module can be imported; parents are imported to find out."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False


# --- datalogic-py: JSONLogic in Rust over PyO3


def _datalogic_six() -> Call:
    rule = import_module("datalogic_py").Engine().compile(SIX)
    evaluate: Call = rule.evaluate
    return evaluate


# --- openfeature-flagd-core: JSONLogic targeting in pure Python


def _flagd_condition(condition: Condition) -> Json:
    attribute, value = {"var": condition.attribute}, condition.value
    wanted = list(value) if isinstance(value, tuple) else value
    if condition.operator == "semver_gte":
        return {"sem_ver": [attribute, ">=", wanted]}
    symbol = {"eq": "==", "in": "in", "gte": ">=", "lt": "<"}[condition.operator]
    return {symbol: [attribute, wanted]}


def targeting(flag: Flag) -> Json:
    """The flag as one JSONLogic `if` that answers with a variant, as flagd has it."""
    chain: list[object] = []
    for rule in flag.rules:
        chain.append({"and": [_flagd_condition(condition) for condition in rule.when]})
        chain.append({"fractional": [list(share) for share in rule.split]} if rule.split else rule.serve)
    return {"if": [*chain, flag.default]}


def _flagd_core(key: str, variants: Sequence[str], default: str, rules: Json) -> Any:
    core = import_module("openfeature.contrib.tools.flagd.core").FlagdCore()
    named = {name: name for name in variants}
    flag = {"state": "ENABLED", "variants": named, "defaultVariant": default, "targeting": rules}
    core.set_flags(json.dumps({"flags": {key: flag}}))
    return core


def _flagd_six() -> Call:
    context = import_module("openfeature.evaluation_context").EvaluationContext
    resolve = _flagd_core("six", ("on", "off"), "off", {"if": [SIX, "on", "off"]}).resolve_string_value
    return lambda attributes: resolve("six", "error", context("m", attributes)).value == "on"


def _flagd_flag(flag: Flag) -> Call:
    context = import_module("openfeature.evaluation_context").EvaluationContext
    resolve = _flagd_core(flag.key, flag.variants(), flag.default, targeting(flag)).resolve_string_value
    return lambda attributes: resolve(flag.key, "error", context(attributes["key"], attributes)).value


# --- eppo-server-sdk: Rust over PyO3

_EPPO = {"eq": "ONE_OF", "in": "ONE_OF", "gte": "GTE", "lt": "LT", "semver_gte": "GTE"}


def _eppo_condition(condition: Condition) -> Json:
    value = condition.value
    wanted = list(value) if isinstance(value, tuple) else [value] if condition.operator == "eq" else value
    return {"attribute": condition.attribute, "operator": _EPPO[condition.operator], "value": wanted}


def _eppo_splits(flag: Flag, shares: Sequence[tuple[str, int]]) -> list[Json]:
    splits: list[Json] = []
    start = 0
    for variant, percent in shares:
        end = start + percent * 100
        splits.append(
            {"variationKey": variant, "shards": [{"salt": flag.key, "ranges": [{"start": start, "end": end}]}]}
        )
        start = end
    return splits


def _eppo_flag_document(flag: Flag) -> Json:
    allocations: list[Json] = []
    for rule in flag.rules:
        conditions = [_eppo_condition(condition) for condition in rule.when]
        served: list[Json] = [{"variationKey": rule.serve, "shards": []}]
        splits = _eppo_splits(flag, rule.split) if rule.split else served
        allocations.append({"key": rule.name, "rules": [{"conditions": conditions}], "splits": splits, "doLog": False})
    rest: list[Json] = [{"variationKey": flag.default, "shards": []}]
    allocations.append({"key": "default", "rules": [], "splits": rest, "doLog": False})
    variations = {name: {"key": name, "value": name} for name in flag.variants()}
    document: Json = {"key": flag.key, "enabled": True, "variationType": "STRING", "totalShards": 10_000}
    return document | {"allocations": allocations, "variations": variations}


def _eppo_flag(flag: Flag) -> Call:
    sdk = import_module("eppo_client")
    flags = {flag.key: _eppo_flag_document(flag)}
    document = {"createdAt": _DATE, "format": "SERVER", "environment": {"name": "bench"}, "flags": flags}
    configuration = sdk.Configuration(flags_configuration=json.dumps(document).encode())
    settings = {"api_key": "key", "assignment_logger": sdk.AssignmentLogger(), "poll_interval_seconds": None}
    client = sdk.init(sdk.ClientConfig(initial_configuration=configuration, **settings))
    get, key = client.get_string_assignment, flag.key
    return lambda attributes: get(key, attributes["key"], attributes, "off")


# --- statsig-python-core: Rust over PyO3

_STATSIG = {
    "eq": "any_case_sensitive",
    "in": "any_case_sensitive",
    "gte": "gte",
    "lt": "lt",
    "semver_gte": "version_gte",
}


def _statsig_condition(condition: Condition) -> Json:
    value = condition.value
    wanted = list(value) if isinstance(value, tuple) else [value] if condition.operator == "eq" else value
    kind = {"type": "user_field", "operator": _STATSIG[condition.operator], "field": condition.attribute}
    return kind | {"targetValue": wanted, "additionalValues": {}, "isDeviceBased": False, "idType": "userID"}


def _statsig_bucket(flag: Flag, end: int) -> Json:
    kind = {"type": "user_bucket", "operator": "lt", "field": None, "targetValue": end}
    return kind | {"additionalValues": {"salt": flag.key}, "isDeviceBased": False, "idType": "userID"}


def _statsig_document(flag: Flag) -> Json:
    conditions: dict[str, Json] = {}
    rules: list[Json] = []
    for rule in flag.rules:
        end = 0
        for variant, percent in rule.split or ((rule.serve, 0),):
            end += percent * 10
            when = [_statsig_condition(condition) for condition in rule.when]
            when += [_statsig_bucket(flag, end)] if rule.split else []
            names = [str(len(conditions) + offset) for offset in range(len(when))]
            conditions |= dict(zip(names, when, strict=True))
            named = {"name": rule.name, "id": f"{rule.name}-{variant}", "groupName": rule.name, "conditions": names}
            served = {"returnValue": {"variant": variant}, "salt": rule.name, "passPercentage": 100}
            rules.append(named | served | {"isDeviceBased": False, "idType": "userID"})
    config: Json = {"name": flag.key, "type": "dynamic_config", "entity": "dynamic_config", "version": 1}
    config |= {"salt": flag.key, "enabled": True, "defaultValue": {"variant": flag.default}, "rules": rules}
    config |= {"isDeviceBased": False, "idType": "userID", "isActive": True, "targetAppIDs": None}
    empty: Json = {name: {} for name in ("feature_gates", "layer_configs", "layers", "param_stores", "id_lists")}
    empty |= {name: {} for name in ("sdk_configs", "experiment_to_layer", "sdk_flags", "diagnostics")}
    document: Json = {"has_updates": True, "time": 1_700_000_000_000, "checksum": "1", "company_id": "bench"}
    document |= {"default_environment": None, "response_format": "dcs-v2"}
    return document | empty | {"condition_map": conditions, "dynamic_configs": {flag.key: config}}


def _statsig_store(document: Json) -> Any:
    responses = import_module("statsig_python_core.data_store")
    text = json.dumps(document)

    def get(_store: object, _key: str) -> Any:
        return responses.DataStoreResponse(result=text, time=1_700_000_000_000)

    return type("Store", (import_module("statsig_python_core").DataStore,), {"get": get})()


def _statsig_flag(flag: Flag) -> Call:
    sdk = import_module("statsig_python_core")
    quiet = {"disable_network": True, "disable_all_logging": True, "disable_country_lookup": True}
    store = _statsig_store(_statsig_document(flag))
    client = sdk.Statsig("secret-bench", sdk.StatsigOptions(data_store=store, output_log_level="error", **quiet))
    client.initialize().wait()
    get, user, key = client.get_dynamic_config, sdk.StatsigUser, flag.key

    def decide(attributes: dict[str, Any]) -> object:
        custom = dict(attributes)
        return get(user(user_id=custom.pop("key"), custom=custom), key).get_string("variant", "off")

    return decide


PEERS = (
    Peer("datalogic-py", "datalogic_py", "datalogic-py", six=_datalogic_six),
    Peer("eppo", "eppo_client", "eppo-server-sdk", flag=_eppo_flag),
    Peer("statsig", "statsig_python_core", "statsig-python-core", flag=_statsig_flag),
    Peer("flagd-core", "openfeature.contrib.tools.flagd.core", "openfeature-flagd-core", _flagd_six, _flagd_flag),
)
