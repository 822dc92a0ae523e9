"""Triggers: event patterns evaluated on the device that give a due action with a payload once."""

from nearwise_rules.triggers.actions import Action, Dropped
from nearwise_rules.triggers.machine import Heard, TriggerEvent, Turn, due_action, hear, next_due, step_trigger
from nearwise_rules.triggers.plans import EVENT_TYPES, TriggerPlan
from nearwise_rules.triggers.states import TriggerState, Waiting
from nearwise_rules.triggers.watching import Triggers

__all__ = [
    "EVENT_TYPES",
    "Action",
    "Dropped",
    "Heard",
    "TriggerEvent",
    "TriggerPlan",
    "TriggerState",
    "Triggers",
    "Turn",
    "Waiting",
    "due_action",
    "hear",
    "next_due",
    "step_trigger",
]
