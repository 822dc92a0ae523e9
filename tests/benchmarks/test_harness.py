"""The benchmark runs and measures right answers; how fast they are is not a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nearwise_rules import parse
from nearwise_rules.logic import compile_expression
from tests.benchmarks import floor, offers, product, ranking
from tests.benchmarks.__main__ import main
from tests.benchmarks.peers import PEERS, Peer
from tests.benchmarks.workload import (
    SIX,
    SIX_TYPES,
    SPLIT,
    contexts,
    expected,
    many_flags,
    neutral,
    one_flag,
    probes,
    six_edges,
    six_without,
)

Call = Callable[[Any], object]


def prepared() -> dict[str, floor.Decide]:
    return floor.prepare(json.loads(json.dumps(neutral((*one_flag(), *many_flags(5))))))


def test_the_floor_decides_as_the_reference_does() -> None:
    flags = prepared()
    for flag in (*one_flag(), *many_flags(5)):
        for attributes in probes():
            assert flags[flag.key](attributes) in expected(flag, attributes)


@pytest.mark.parametrize("call", [floor.six_indexed, floor.six_guarded])
def test_the_hand_written_six_conditions_are_right_at_every_edge(call: Call) -> None:
    assert [call(context) for context, _ in six_edges()] == [holds for _, holds in six_edges()]
    assert not any(call(context) for context in six_without(tuple(SIX_TYPES), 7))


def test_our_six_conditions_are_right_at_every_edge() -> None:
    call = compile_expression(parse(SIX, types=SIX_TYPES))
    assert [bool(call(context, None)) for context, _ in six_edges()] == [holds for _, holds in six_edges()]
    assert not any(call(context, None) for context in six_without(tuple(SIX_TYPES), 7))


def test_our_client_decides_as_the_reference_does(tmp_path: Path) -> None:
    flags = (*one_flag(), *many_flags(5))
    product.write_bundle(tmp_path, flags)
    with product.open_from_disk(str(tmp_path)) as client:
        for flag in flags:
            decide = product.decider(client, flag.key)
            for attributes in probes():
                assert decide(attributes).variant in expected(flag, attributes)


def test_our_client_keeps_the_shares_of_the_split(tmp_path: Path) -> None:
    product.write_bundle(tmp_path, one_flag())
    with product.open_from_disk(str(tmp_path)) as client:
        decide = product.decider(client, "typical")
        chosen = [decide(attributes).variant for attributes in contexts(4000)]
    for variant, percent in SPLIT:
        assert abs(chosen.count(variant) / 40 - percent) < 3


@pytest.mark.parametrize("score", offers.SCORES)
def test_our_client_ranks_as_the_hand_written_loop_does(score: str) -> None:
    keys, clock = offers.placements(), [offers.MONDAY]
    with ranking.shop(150, score) as folder, ranking.open_shop(folder, clock) as client:
        ask, beside = ranking.asking(client, clock, keys), ranking.by_hand(folder, keys)
        night = offers.MONDAY + 15 * 3_600
        for number, total in enumerate(offers.baskets(40)):
            for at in (offers.MONDAY + number, night + number):
                assert ask(total, at) == beside(total, at)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_an_installed_peer_decides_as_the_reference_does(peer: Peer) -> None:
    if not peer.is_installed():
        return
    if peer.six:
        six = peer.six()
        assert [bool(six(context)) for context, _ in six_edges()] == [holds for _, holds in six_edges()]
    if peer.flag:
        decide = peer.flag(one_flag()[0])
        for attributes in probes():
            assert decide(attributes) in expected(one_flag()[0], attributes)


def test_the_command_prints_a_row_for_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    printed = capsys.readouterr().out
    for what in (
        "six conditions, all present",
        "six conditions, one missing",
        "W2, fresh context, full decision",
        "W2, every exposure kept",
        "left after kill -9",
        "start to first decision",
        "import nearwise",
        "memory of 1,000 flags",
        "installed size",
        "compile, six conditions",
        "audience of 100,000 keys, look-up p50",
        "6 placements, 60 offers, cold, p50",
        "6 placements, 60 offers, linear model, p50",
        "1 placement, 20 offers, p50",
    ):
        assert what in printed
