"""From source documents to entries: references, circles, splits. Pure; files are read elsewhere."""

from nearwise_rules.rulesets.assembly import SETTINGS, Assembled, assemble
from nearwise_rules.rulesets.audiences import BuiltAudience
from nearwise_rules.rulesets.conditions import PROVIDED, Condition
from nearwise_rules.rulesets.files import is_rule_set_file, is_text_of_audience
from nearwise_rules.rulesets.parts import FileProblem, did_you_mean

__all__ = [
    "PROVIDED",
    "SETTINGS",
    "Assembled",
    "BuiltAudience",
    "Condition",
    "FileProblem",
    "assemble",
    "did_you_mean",
    "is_rule_set_file",
    "is_text_of_audience",
]
