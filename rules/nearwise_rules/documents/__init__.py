"""The documents of a rule set: what an author writes and, with the derived fields filled in, what a bundle carries.

Authored files and bundle entries have one shape. Fields marked *derived* are filled by the build and not written by
people. The classes hold no behaviour: `rulesets` checks them, `decide` turns them into functions.
"""

from nearwise_rules.documents.assets import Asset
from nearwise_rules.documents.attributes import Attribute, Segment
from nearwise_rules.documents.audiences import Audience
from nearwise_rules.documents.cases import Case, Expectation, Happening
from nearwise_rules.documents.events import EventDeclaration
from nearwise_rules.documents.experiments import Experiment, Layer, LocalHoldout, RampStep
from nearwise_rules.documents.flags import Flag, Prerequisite, Rule
from nearwise_rules.documents.history import AttributeValue, HistoryMeasure
from nearwise_rules.documents.locales import LocaleSettings
from nearwise_rules.documents.models import Feature, Model
from nearwise_rules.documents.offers import Budget, Cap, ContactCap, Cooldown, Offer, Suppression
from nearwise_rules.documents.placements import AtMost, Candidates, Placement, Policy, Score
from nearwise_rules.documents.schedules import DayPart, Schedule
from nearwise_rules.documents.settings import (
    AnonymousPolicy,
    ConsentPolicy,
    Holdout,
    RecordingPolicy,
    RuleSetSettings,
)
from nearwise_rules.documents.triggers import Trigger, Unless, Within
from nearwise_rules.documents.values import (
    AttributeType,
    Bucketing,
    Exposures,
    FlagType,
    Grace,
    Join,
    Json,
    JsonObject,
    Privacy,
    Source,
)

__all__ = [
    "AnonymousPolicy",
    "Asset",
    "AtMost",
    "Attribute",
    "AttributeType",
    "AttributeValue",
    "Audience",
    "Bucketing",
    "Budget",
    "Candidates",
    "Cap",
    "Case",
    "ConsentPolicy",
    "ContactCap",
    "Cooldown",
    "DayPart",
    "EventDeclaration",
    "Expectation",
    "Experiment",
    "Exposures",
    "Feature",
    "Flag",
    "FlagType",
    "Grace",
    "Happening",
    "HistoryMeasure",
    "Holdout",
    "Join",
    "Json",
    "JsonObject",
    "Layer",
    "LocalHoldout",
    "LocaleSettings",
    "Model",
    "Offer",
    "Placement",
    "Policy",
    "Prerequisite",
    "Privacy",
    "RampStep",
    "RecordingPolicy",
    "Rule",
    "RuleSetSettings",
    "Schedule",
    "Score",
    "Segment",
    "Source",
    "Suppression",
    "Trigger",
    "Unless",
    "Within",
]
