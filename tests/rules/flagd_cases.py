"""Random questions to flagd's four operators, and the answers of openfeature-flagd-core and of this product.

The whole comparison, at least 100,000 evaluations against each release (1.0.0 hashes UTF-8 text, 2.0.0 canonical CBOR):

    pip install --target /tmp/flagd-1 openfeature-flagd-core==1.0.0
    python -m tests.rules.flagd_cases --count 100000 --first-release /tmp/flagd-1

This module runs with each of the two releases in its own process, so it imports no more than what they have.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from nearwise_rules.logic.bucketing import Bucketing

Case = tuple[object, str, object, dict[str, object]]
"""(rule, flag key, targeting key, attributes); every context also holds `ALWAYS`."""

ALWAYS: dict[str, object] = {
    "list": ["x", 1, 2.0, None],
    "object": {"bb": 1, "a": [True, 1.5], "ccc": "é"},
    "flag": True,
}
NULL_IN_CAT = "differs: `cat` writes null as nothing (json-logic-js), panzi-json-logic as the text null"

SEED = 20261122
WORDS = ("", "a", "user-1", "żółw", "\U0001f600", "pro", "a" * 40, "user@example.com", "PL", "1.2.3")
VERSIONS = ("1.2.3", "1.2", "1", "v1.2.3", "V2", "1.2.3-rc.1", "1.2.3-rc.2", "1.2.3-alpha", "1.2.3+build", "10.0.0", "")
ODD_VERSIONS = (
    "1.2.3-",
    "01.2.3",
    "1.2.3.4",
    "abc",
    "1.2.3-rc..1",
    "v",
    "1-beta+x",
    "1.2-0.9",
    "٣.1.2",
    "vv1",
    "1.2.3\n",
)


def cases(count: int, seed: int = SEED) -> Iterator[Case]:
    """So many questions; the same ones for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        attributes: dict[str, object] = {
            "name": rng.choice(WORDS),
            "version": _version(rng),
            "number": rng.choice([1, 1.0, 2**40, -3, 0.5, 1e22, 2**70]),
        }
        key: object = rng.choice([f"user-{number}", f"user-{number}", rng.choice(WORDS), None])
        yield _rule(rng), rng.choice(["checkout", "flag-ü", ""]), key, attributes


def _rule(rng: random.Random) -> object:
    kind = rng.randrange(8)
    if kind < 4:
        return {"fractional": _fractional(rng)}
    if kind == 4:
        return {"if": [{"starts_with": [_text(rng), _text(rng)]}, {"fractional": _fractional(rng)}, "none"]}
    if kind == 5:
        return {rng.choice(["starts_with", "ends_with"]): [_text(rng), _text(rng)]}
    comparison = rng.choice(["=", "!=", "<", "<=", ">", ">=", "^", "~", "?"])
    return {"sem_ver": [rng.choice([{"var": "version"}, _version(rng)]), comparison, _version(rng)]}


def _text(rng: random.Random) -> object:
    return rng.choice(
        [{"var": "name"}, {"var": "name"}, rng.choice(WORDS), {"var": "missing"}, {"var": "number"}, None]
    )


def _version(rng: random.Random) -> object:
    if rng.random() < 0.5:
        return f"{rng.randrange(4)}.{rng.randrange(12)}.{rng.randrange(12)}"
    return rng.choice([*VERSIONS, *VERSIONS, *ODD_VERSIONS, 1, 1.2, 2.0, None, True, [1]])


def _fractional(rng: random.Random) -> list[object]:
    shares = [_share(rng, number) for number in range(rng.randint(1, 5))]
    return shares if rng.random() < 0.4 else [_key(rng), *shares]


def _key(rng: random.Random) -> object:
    attribute: object = {"var": rng.choice(["name", "number", "list", "object", "flag", "missing", "targetingKey"])}
    joined = {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}
    return rng.choice([attribute, joined, joined, rng.choice(WORDS), 7, 2.5, None, False])


def _share(rng: random.Random, number: int) -> object:
    variant: object = f"variant-{number}"
    if rng.random() < 0.05:
        variant = rng.choice([1, True, None, 2.5, {"if": [{"var": "flag"}, "yes", "no"]}])
    weight: object = rng.choice([10, 25, 50, 1, 33])
    if rng.random() < 0.06:
        weight = rng.choice([0, -5, True, 2.5, "10", None, 2**31, {"var": "number"}])
    rare: list[object] = [[variant], [variant, weight, 1], [], variant]
    return rng.choice(rare) if rng.random() < 0.2 else [variant, weight]


def answer_of_flagd(case: Case) -> str:
    """The answer of the installed openfeature-flagd-core, as JSON text; the name of the error that it let out."""
    from openfeature.contrib.tools.flagd.core.targeting import (
        targeting,  # pyright: ignore[reportUnknownVariableType]
    )
    from openfeature.evaluation_context import EvaluationContext

    rule, flag, key, attributes = case
    given: Any = {**ALWAYS, **attributes}
    context = EvaluationContext(targeting_key=cast("str", key), attributes=given)
    try:
        return json.dumps(targeting(flag, cast("dict[str, Any]", rule), context))
    except Exception as error:  # noqa: BLE001  (whatever the oracle lets out is part of its answer)
        return f"!{type(error).__name__}"


def answers_of_nearwise(case: Case, bucketing: Bucketing) -> tuple[str, str]:
    """The answers of the reference and of the compiled rule, as JSON text."""
    from nearwise_rules.logic import Dialect, Run, compile_expression, interpret, parse

    rule, flag, key, attributes = case
    data = {**ALWAYS, **attributes, "targetingKey": key, "$flagd": {"flagKey": flag, "timestamp": 0}}
    subject = key if isinstance(key, str) else ""

    def run() -> Run:
        return Run(flag_key=flag, subject=subject, bucketing=bucketing)

    expression = parse(rule, dialect=Dialect.JSONLOGIC)
    compiled = compile_expression(expression)(data, run())
    return json.dumps(interpret(expression, data, run())), json.dumps(compiled)


def compare(answered: Iterable[tuple[Case, str]], bucketing: Bucketing) -> tuple[Counter[str], list[str]]:
    """How many evaluations (each by the reference and compiled) agree or differ, and the unexplained differences."""
    counts: Counter[str] = Counter()
    unexplained: list[str] = []
    for case, theirs in answered:
        for way, mine in zip(("interpret", "compile"), answers_of_nearwise(case, bucketing), strict=True):
            if mine == theirs:
                counts["same"] += 1
            elif case[2] is None and '"cat"' in json.dumps(case[0]):
                counts[NULL_IN_CAT] += 1
            else:
                counts["differs without explanation"] += 1
                unexplained.append(f"{way} {mine}, flagd {theirs}: {json.dumps(case)}")
    return counts, unexplained


def answers_in_process(count: int) -> Iterator[str]:
    """The answers of the release that is installed here."""
    logging.disable(logging.CRITICAL)
    for case in cases(count):
        yield answer_of_flagd(case)


def answers_of_release(folder: str, count: int) -> Iterator[str]:
    """The answers of the release that was installed into `folder`, from a process of its own."""
    command = [sys.executable, "-m", "tests.rules.flagd_cases", "--answers", "--count", str(count)]
    environment = {**os.environ, "PYTHONPATH": folder}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    yield from printed.splitlines()


def main() -> None:
    """Print the comparison with both releases, or (`--answers`) what the installed release answers."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first-release", help="folder into which openfeature-flagd-core 1.0.0 was installed")
    parser.add_argument("--answers", action="store_true")
    options = parser.parse_args()
    if options.answers:
        for answer in answers_in_process(options.count):
            print(answer)
        return
    from nearwise_rules.logic.bucketing import Bucketing

    oracles: dict[str, tuple[Bucketing, Callable[[], Iterator[str]]]] = {
        "2.0.0, murmur3-cbor": (Bucketing.MURMUR3_CBOR, lambda: answers_in_process(options.count))
    }
    if options.first_release:
        first = options.first_release
        oracles["1.0.0, murmur3"] = (Bucketing.MURMUR3, lambda: answers_of_release(first, options.count))
    for name, (bucketing, oracle) in oracles.items():
        counts, unexplained = compare(zip(cases(options.count), oracle(), strict=True), bucketing)
        print(f"openfeature-flagd-core {name}: {options.count} cases, each interpreted and compiled")
        for what, times in counts.most_common():
            print(f"  {times:8} {what}")
        print("\n".join(unexplained[:10]))


if __name__ == "__main__":
    main()
