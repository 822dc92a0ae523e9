"""Recording decisions, making them again bit for bit, and holding a draft against them."""

from nearwise_rules.replay.answers import Answer, AnsweredItem
from nearwise_rules.replay.making import record, standing_still
from nearwise_rules.replay.recording import Recording, RecordingLimits
from nearwise_rules.replay.repeating import Difference, asked_again, differences, is_same, repeat
from nearwise_rules.replay.simulation import Seen, Side, Simulation, Tally, merged

__all__ = [
    "Answer",
    "AnsweredItem",
    "Difference",
    "Recording",
    "RecordingLimits",
    "Seen",
    "Side",
    "Simulation",
    "Tally",
    "asked_again",
    "differences",
    "is_same",
    "merged",
    "record",
    "repeat",
    "standing_still",
]
