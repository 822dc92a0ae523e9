"""Recording decisions, making them again bit for bit, and holding a draft against them."""

from nearwise_rules.replay.answers import Answer, AnsweredItem
from nearwise_rules.replay.making import record, standing_still
from nearwise_rules.replay.recording import Recording, RecordingLimits
from nearwise_rules.replay.repeating import Difference, asked_again, differences, is_same, repeat

__all__ = [
    "Answer",
    "AnsweredItem",
    "Difference",
    "Recording",
    "RecordingLimits",
    "asked_again",
    "differences",
    "is_same",
    "record",
    "repeat",
    "standing_still",
]
