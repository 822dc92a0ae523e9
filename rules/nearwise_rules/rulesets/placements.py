"""Placements as documents: candidates, policies, rules between them, and the fallback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from nearwise_rules.content import CONTENT_TYPES
from nearwise_rules.decide.parts import PARTS
from nearwise_rules.documents import AtMost, Candidates, Exposures, Placement, Policy, Score
from nearwise_rules.documents.placements import FALLBACK
from nearwise_rules.logic.values import at_path
from nearwise_rules.rulesets.conditions import check_known
from nearwise_rules.rulesets.content import types_of
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.flags import check_holdout, check_variant, checker_of
from nearwise_rules.rulesets.offers import check_cap, check_number, tags_of
from nearwise_rules.rulesets.parts import Part, article, did_you_mean, field_names
from nearwise_rules.rulesets.spans import check_window

ORDERS = ("score", "listed", "random")


def check_placement(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one placement."""
    part.known_fields(field_names(Placement))
    part.needs(("candidates", "policies"), "a placement")
    if key in draft.sources["flag"]:
        part.problem("duplicate_key", f"a flag is named '{key}' too: the names of flags and placements are one list")
    part.get("size").whole(1)
    part.get("exposures").choice(get_args(Exposures))
    check_window(part.get("dedupe"))
    _check_candidates(part.get("candidates"), draft)
    _check_policies(key, part.get("policies"), draft)
    for limit in part.get("at_most").items() if not part.get("at_most").absent else ():
        _check_at_most(limit, draft)
    for offer in part.get("fallback").texts():
        if check_known(offer, "offer", str(offer.value), draft.sources["offer"]):
            _check_fallback(offer, draft.sources["offer"][str(offer.value)])
    for cap in part.get("caps").items() if not part.get("caps").absent else ():
        check_cap(cap)
    _check_rules(key, part, draft)
    _check_content(part, draft)
    if part.get("blank").value is not True and part.get("fallback").value in (None, []):
        message = "this can be left blank: name offers in 'fallback', or say 'blank: true'"
        part.problem("can_be_blank", message)


def _check_fallback(part: Part, offer: Part) -> None:
    """A fallback is for everybody at any time."""
    if offer.get("enabled").value is False:
        part.problem("idle_fallback", f"'{part.value}' is switched off, so it stands in for nothing")
    elif offer.get("purposes").value:
        part.problem("gated_fallback", f"'{part.value}' needs consent, and a fallback is for everybody")


def _check_candidates(part: Part, draft: Draft) -> None:
    if part.absent:
        return
    part.known_fields(field_names(Candidates))
    known = _all_tags(draft)
    for tag in part.get("tags").texts():
        if tag.value not in known:
            tag.problem("unknown_tag", f"no offer has the tag '{tag.value}'{did_you_mean(str(tag.value), known)}")
    for offer in part.get("offers").texts():
        check_known(offer, "offer", str(offer.value), draft.sources["offer"])
    model = None if part.get("model").absent else part.get("model").text()
    models = draft.sources["model"]
    if model is not None and check_known(part.get("model"), "model", model, models):
        _check_recommends(part.get("model"), models[model])
    if all(part.get(name).absent for name in ("tags", "offers", "model")):
        part.problem("no_candidates", "a placement has candidates by tags, offers or model")


def _check_recommends(part: Part, model: Part) -> None:
    if model.get("kind").value != "neighbours":
        part.problem("model_kind", f"'{part.value}' recommends nothing: it is not of the kind neighbours")


def _check_policies(key: str, part: Part, draft: Draft) -> None:
    policies = part.members() if not part.absent else {}
    if not policies and not part.absent:
        part.problem("no_policies", "a placement needs at least one policy")
    for name, policy in policies.items():
        if name == FALLBACK:
            policy.problem(
                "reserved", f"'{FALLBACK}' is the policy that shows the fallback; it is always there", of_key=True
            )
        policy.known_fields(field_names(Policy))
        policy.get("order").choice(ORDERS)
        scored = policy.get("order").value in (None, "score")
        if not scored and not policy.get("score").absent:
            policy.get("score").problem("idle_score", "this policy does not order by score", of_key=True)
        if scored:
            _check_score(key, policy.get("score"), draft)


def _check_score(key: str, part: Part, draft: Draft) -> None:
    if part.absent:
        return
    part.known_fields(field_names(Score))
    model = None if part.get("model").absent else part.get("model").text()
    if model is not None:
        check_known(part.get("model"), "model", model, draft.sources["model"])
        if not part.get("probability").absent:
            part.get("probability").problem(
                "twice", "'model' is the probability already: state one of the two", of_key=True
            )
    for name in PARTS:
        if part.get(name).value is not True:
            check_number(part.get(name), ("placement", key), draft)


def _check_at_most(part: Part, draft: Draft) -> None:
    part.known_fields(field_names(AtMost))
    part.needs(("tag", "items"), "a constraint")
    part.get("items").whole(0)
    tag = None if part.get("tag").absent else part.get("tag").text()
    known = _all_tags(draft)
    if tag is not None and tag not in known:
        part.get("tag").problem("unknown_tag", f"no offer has the tag '{tag}'{did_you_mean(tag, known)}")


def _check_rules(key: str, part: Part, draft: Draft) -> None:
    policies = part.get("policies").value
    names = [*(policies if isinstance(policies, dict) else ()), FALLBACK]
    for name in ("default", "neutral"):
        check_variant(part.get(name), names)
    check_holdout(part.get("holdout"))
    checker_of(draft).check_rules(("placement", key), part, names)


def _check_content(part: Part, draft: Draft) -> None:
    """Every candidate and fallback must have the fields that the placement's screen shows."""
    wanted = part.get("content")
    if wanted.absent:
        return
    for kind in wanted.members().values():
        kind.choice(CONTENT_TYPES)
    needed = {name: str(kind.value) for name, kind in wanted.members().items()}
    for key in sorted(_possible(part, draft)):
        offer = draft.sources["offer"][key]
        types = types_of(offer)
        for name, wanted_type in needed.items():
            if types.get(name) != wanted_type:
                found = f"is {article(types[name])}" if name in types else "is missing"
                message = f"{part.file} shows '{name}' as {wanted_type}, and here it {found}"
                offer.get("content").problem("content_type", message, of_key=True)


def _possible(part: Part, draft: Draft) -> Iterable[str]:
    """The offers that a placement can show."""
    candidates, offers = part.get("candidates"), draft.sources["offer"]
    tags = {str(tag.value) for tag in candidates.get("tags").texts()}
    named = {str(each.value) for each in (*candidates.get("offers").texts(), *part.get("fallback").texts())}
    tagged = {key for key, offer in offers.items() if tags & set(tags_of(offer))}
    return (named & set(offers)) | tagged | _recommended(candidates.get("model"), draft)


def _recommended(part: Part, draft: Draft) -> set[str]:
    """The offers that are about an item, whichever of them the model names."""
    model = draft.sources["model"].get(str(part.value))
    match = None if part.absent or model is None else model.get("match").value
    if not isinstance(match, str):
        return set()
    path = match.split(".")
    about = {key: offer.get("properties").value for key, offer in draft.sources["offer"].items()}
    return {key for key, found in about.items() if isinstance(found, dict) and at_path(found, path) is not None}


def _all_tags(draft: Draft) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for offer in draft.sources["offer"].values() for tag in tags_of(offer)))
