"""The drills in short; `python -m tests.drills` runs them in full.

NEARWISE_DRILL_INPUTS and NEARWISE_DRILL_KILLS say how much is done here, NEARWISE_DRILL_SEED with which seed. The
seed is printed with every failure.
"""

from __future__ import annotations

import os
import secrets

from nearwise_rules import Event, Rejected, decode_batch, encode_batch
from tests.drills import batches, hostile, kills

INPUTS = int(os.environ.get("NEARWISE_DRILL_INPUTS", "270"))
KILLS = int(os.environ.get("NEARWISE_DRILL_KILLS", "5"))
SEED = int(os.environ.get("NEARWISE_DRILL_SEED") or secrets.randbelow(10**9))


def test_hostile_inputs_are_refused_and_the_good_bundle_still_serves() -> None:
    outcome = hostile.drill(SEED, range(INPUTS))
    assert not outcome.failures, f"seed {SEED}: {outcome.failures[:3]}"
    assert sum(tally.inputs for tally in outcome.tallies.values()) == INPUTS
    assert all(tally.refused for tally in outcome.tallies.values())


def test_a_batch_of_millions_of_empty_maps_is_cut_short() -> None:
    empty: list[dict[str, object]] = [{}]
    event = {"type": "track", "at": 1, "name": "n", "properties": {"k": empty * 60_000}}
    batch = decode_batch(encode_batch("till-07", "0" * 32, 1, [batches.pack(event)] * 120))
    reasons = {event.reason for event in batch.events if isinstance(event, Rejected)}
    assert reasons == {"more than 200000 values in the batch"}
    assert sum(isinstance(event, Event) for event in batch.events) == 3


def test_a_killed_till_loses_no_sale_and_sends_none_twice() -> None:
    outcome = kills.drill(SEED, KILLS)
    assert outcome.missing == [], f"seed {SEED}"
    assert outcome.doubled == [], f"seed {SEED}"
    assert outcome.queued == 0, f"seed {SEED}"
    assert outcome.safe
