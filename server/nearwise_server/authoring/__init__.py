"""From the files of a rule set to entries ready to sign, or to every problem with its file, line and column."""

from nearwise_server.authoring.building import Built, build_rule_set
from nearwise_server.authoring.golden import provisional_bundle
from nearwise_server.authoring.located import LocatedProblem, TextLimits
from nearwise_server.authoring.texts import read_source

__all__ = ["Built", "LocatedProblem", "TextLimits", "build_rule_set", "provisional_bundle", "read_source"]
