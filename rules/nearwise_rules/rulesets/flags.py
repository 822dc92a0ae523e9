"""One flag's document: its variants, its rules and what they serve; splits become ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from nearwise_rules.bundle import canonical_json
from nearwise_rules.documents import Exposures, Flag, FlagType, Holdout, Json, Prerequisite, RecordingPolicy, Rule
from nearwise_rules.rulesets.conditions import Conditions, always_holds, references
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, article, did_you_mean, field_names
from nearwise_rules.rulesets.references import Name, References
from nearwise_rules.rulesets.spans import check_window
from nearwise_rules.rulesets.splits import WHOLE, basis_points
from nearwise_rules.rulesets.trials import check_trial


def is_of_type(value: Json, flag_type: str) -> bool:
    """Whether a variant's value has its flag's type."""
    kinds: dict[str, tuple[type, ...]] = {
        "boolean": (bool,),
        "string": (str,),
        "integer": (int,),
        "float": (int, float),
        "object": (dict, list),
    }
    kind = kinds.get(flag_type)
    return kind is None or (isinstance(value, kind) and (flag_type == "boolean" or not isinstance(value, bool)))


@dataclass(frozen=True, slots=True)
class FlagChecker:
    """Checks flags of one rule set.

    `flags` and `experiments` are all of them by key, `references` collects who mentions whom.
    """

    conditions: Conditions
    flags: Mapping[str, Part]
    references: References
    experiments: Mapping[str, Part]

    def check(self, key: str, flag: Part) -> None:
        """Report everything wrong with one flag."""
        flag.known_fields(field_names(Flag))
        for name in ("type", "variants", "default"):
            if flag.get(name).absent:
                flag.problem("missing_field", f"a flag needs '{name}'")
        flag.get("type").choice(get_args(FlagType))
        flag.get("exposures").choice(get_args(Exposures))
        check_window(flag.get("dedupe"))
        self._check_variants(flag)
        check_holdout(flag.get("holdout"))
        self.check_rules(("flag", key), flag, _members(flag.get("variants").value))

    def check_rules(self, owner: Name, flag: Part, variants: Iterable[str]) -> None:
        """Report everything wrong with the prerequisites and the rules of a flag, or of what has rules as a flag has.

        `variants`: what its rules may serve.
        """
        self._check_requires(owner, flag)
        if not flag.get("rules").absent:
            self._check_rules(owner, flag, tuple(variants))

    def _check_variants(self, flag: Part) -> None:
        flag_type = str(flag.get("type").value)
        variants = flag.get("variants").members() if not flag.get("variants").absent else {}
        for name, variant in variants.items():
            if not is_of_type(variant.value, flag_type):
                message = f"variant '{name}' is not {article(flag_type)}, which is the type of this flag"
                variant.problem("variant_type", message)
        if not variants and not flag.get("variants").absent:
            flag.get("variants").problem("no_variants", "a flag needs at least one variant")
        for name in ("default", "neutral"):
            check_variant(flag.get(name), variants)

    def _check_requires(self, owner: Name, flag: Part) -> None:
        requires = flag.get("requires")
        for item in requires.items() if not requires.absent else ():
            item.known_fields(field_names(Prerequisite))
            required = item.get("flag").text()
            if required is None:
                item.problem("missing_field", "a prerequisite needs 'flag' and 'variant'")
                continue
            self.references.mention(owner, ("flag", required), item.get("flag"))
            if required not in self.flags:
                continue
            variants = _members(self.flags[required].get("variants").value)
            for variant in item.get("variant").items():
                check_variant(variant, variants, of=f" of flag '{required}'")

    def _check_rules(self, owner: Name, flag: Part, variants: Sequence[str]) -> None:
        seen: dict[str, Part] = {}
        settled: str | None = None
        conditions: dict[bytes, str] = {}
        for number, rule in enumerate(flag.get("rules").items(), 1):
            name = str(rule.get("name").value or f"rule-{number}")
            if name in seen:
                rule.get("name").problem("duplicate_key", f"a rule named '{name}' is already in this flag")
            seen[name] = rule
            complete = self._check_served(rule, variants)
            holds = self._check_condition(owner, rule)
            if settled is not None:
                rule.problem("dead_rule", f"'{name}' is never reached: '{settled}' before it always holds")
                continue
            text = b"" if holds is None else canonical_json(_when(rule))
            if text in conditions:
                rule.problem("dead_rule", f"'{name}' is never reached: '{conditions[text]}' has the same condition")
            if complete and text:
                conditions[text] = name
                settled = name if holds else None

    def _check_condition(self, owner: Name, rule: Part) -> bool | None:
        """Whether the rule always holds; None when its condition does not parse."""
        if "when" not in _members(rule.value):
            return True
        expression = self.conditions.check(rule.get("when"))
        if expression is None:
            return None
        self.references.add(owner, rule.get("when"), references(expression))
        return always_holds(expression)

    def _check_served(self, rule: Part, variants: Sequence[str]) -> bool:
        """Check what a rule serves; whether it leaves nobody to the rules after it."""
        rule.known_fields(field_names(Rule))
        serve, split = rule.get("serve"), rule.get("split")
        if not rule.get("ranges").absent:
            rule.get("ranges").problem("derived_field", "'ranges' is filled in by the build", of_key=True)
        if [serve.absent, split.absent, rule.get("factor").absent].count(False) != 1:
            rule.problem("serve_or_split", "a rule has either 'serve' or 'split', or 'experiment' with 'factor'")
        by = rule.get("by").text() if not rule.get("by").absent else None
        if by is not None and not self.conditions.is_declared(by):
            rule.get("by").problem("unknown_attribute", self.conditions.undeclared(by))
        check_variant(serve, variants)
        measured = check_trial(rule, variants, self.experiments)
        complete = split.absent or self._check_split(split, variants) == WHOLE
        return complete and not measured

    def _check_split(self, split: Part, variants: Iterable[str]) -> int:
        total = 0
        for name, share in split.members().items():
            if name not in variants:
                share.problem("unknown_variant", _unknown_variant(name, variants), of_key=True)
            if share.absent:
                share.problem("missing_field", f"'{name}' needs a share in percent", of_key=True)
            total += check_percent(share) or 0
        if total > WHOLE:
            split.problem("split_sum", f"the shares make {total / 100:g} percent, more than 100", of_key=True)
        return total


def check_flag(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one flag."""
    checker_of(draft).check(key, part)


def checker_of(draft: Draft) -> FlagChecker:
    """What checks the flags of a draft, and the rules of whatever else has some."""
    return FlagChecker(draft.conditions, draft.sources["flag"], draft.references, draft.sources["experiment"])


def check_holdout(holdout: Part) -> None:
    """Report what is wrong with a holdout; absent and `false` are none."""
    if holdout.absent or holdout.value is False:
        return
    holdout.known_fields(field_names(Holdout))
    if isinstance(holdout.value, dict) and holdout.get("percent").absent:
        holdout.problem("missing_field", "a holdout needs 'percent'")
    check_percent(holdout.get("percent"))


def check_recording(recording: Part) -> None:
    """Report what is wrong with the share of decisions that are recorded."""
    if not recording.absent:
        recording.known_fields(field_names(RecordingPolicy))
        recording.needs(("percent",), "a recording")
        if not recording.get("percent").absent:
            check_percent(recording.get("percent"))


def check_percent(part: Part) -> int | None:
    """The basis points of a percentage, reported when it is none."""
    number = part.number()
    if number is None:
        return None
    try:
        return basis_points(number)
    except ValueError as error:
        part.problem("percent", str(error))
        return None


def check_variant(part: Part, variants: Iterable[str], *, of: str = "") -> None:
    """Report a variant that the flag does not have."""
    name = None if part.absent else part.text()
    if name is not None and name not in variants:
        part.problem("unknown_variant", _unknown_variant(name, variants, of=of))


def _when(rule: Part) -> Json:
    return _members(rule.value).get("when", True)


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _unknown_variant(name: str, variants: Iterable[str], *, of: str = "") -> str:
    return f"unknown variant '{name}'{of}{did_you_mean(name, variants)}"
