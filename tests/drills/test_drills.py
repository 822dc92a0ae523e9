"""The drills in short; `python -m tests.drills` runs them in full.

NEARWISE_DRILL_INPUTS and NEARWISE_DRILL_KILLS say how much is done here, NEARWISE_DRILL_SEED with which seed. The
seed is printed with every failure.
"""

from __future__ import annotations

import os
import secrets

from tests.drills import hostile, kills

INPUTS = int(os.environ.get("NEARWISE_DRILL_INPUTS", "500"))
KILLS = int(os.environ.get("NEARWISE_DRILL_KILLS", "6"))
SEED = int(os.environ.get("NEARWISE_DRILL_SEED") or secrets.randbelow(10**9))


def test_hostile_inputs_are_refused_and_the_good_bundle_still_serves() -> None:
    outcome = hostile.drill(SEED, range(INPUTS))
    assert not outcome.failures, f"seed {SEED}: {outcome.failures[:3]}"
    assert sum(tally.inputs for tally in outcome.tallies.values()) == INPUTS
    assert all(tally.refused for tally in outcome.tallies.values())


def test_a_killed_till_loses_no_sale_and_sends_none_twice() -> None:
    outcome = kills.drill(SEED, KILLS)
    assert outcome.missing == [], f"seed {SEED}"
    assert outcome.doubled == [], f"seed {SEED}"
    assert outcome.queued == 0, f"seed {SEED}"
    assert outcome.safe
