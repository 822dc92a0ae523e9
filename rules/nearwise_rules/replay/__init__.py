"""Recording decisions, making them again bit for bit, and holding a draft against them."""

from nearwise_rules.replay.answers import Answer, AnsweredItem
from nearwise_rules.replay.making import record, standing_still
from nearwise_rules.replay.recording import Recording, RecordingLimits
from nearwise_rules.replay.repeating import Difference, differences, explain_recording, is_same, repeat
from nearwise_rules.replay.sampling import Sampling
from nearwise_rules.replay.simulation import Counts, Simulation, Tally, merge_tallies, newly_read

__all__ = [
    "Answer",
    "AnsweredItem",
    "Counts",
    "Difference",
    "Recording",
    "RecordingLimits",
    "Sampling",
    "Simulation",
    "Tally",
    "differences",
    "explain_recording",
    "is_same",
    "merge_tallies",
    "newly_read",
    "record",
    "repeat",
    "standing_still",
]
