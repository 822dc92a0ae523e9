"""Purposes as documents name them: known ones, and none left out where something tells of a person."""

from __future__ import annotations

from typing import get_args

from nearwise_rules.consent import PURPOSES
from nearwise_rules.documents import AnonymousPolicy, ConsentPolicy, EventDeclaration, Join
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, did_you_mean, field_names
from nearwise_rules.rulesets.spans import check_duration


def check_purposes(part: Part) -> None:
    """Report every purpose in a list that is none."""
    for name in part.texts():
        if name.value not in PURPOSES:
            name.problem("unknown_purpose", f"unknown purpose '{name.value}'{did_you_mean(str(name.value), PURPOSES)}")


def check_attribute_purposes(part: Part) -> None:
    """Report purposes that are unknown, and an attribute that tells of a person and says no purpose for it."""
    purposes = part.get("purposes")
    check_purposes(purposes)
    given = purposes.value if isinstance(purposes.value, list) else []
    privacy, source = part.get("privacy").value, part.get("source").value
    remembered = source == "history" or not part.get("history").absent
    if remembered and part.get("history").get("per").value != "device":
        if "profile" not in given:
            part.problem("missing_purposes", "what a device remembers of a subject needs the purpose 'profile'")
    elif not given and (privacy in ("personal", "sensitive") or source == "trait"):
        what = f"an attribute that is {privacy}" if privacy in ("personal", "sensitive") else "a trait"
        part.problem("missing_purposes", f"{what} needs 'purposes', such as [personalise]")


def check_policies(settings: Part) -> None:
    """Report what is wrong with the policies of consent and of sign-in in the settings."""
    consent, anonymous = settings.get("consent"), settings.get("anonymous")
    if not consent.absent:
        consent.known_fields(field_names(ConsentPolicy))
        check_purposes(consent.get("granted"))
    if not anonymous.absent:
        anonymous.known_fields(field_names(AnonymousPolicy))
        anonymous.get("join").choice(get_args(Join))


def check_event(_key: str, part: Part, _draft: Draft) -> None:
    """Report everything wrong with one declared event."""
    part.known_fields(field_names(EventDeclaration))
    check_purposes(part.get("purposes"))
    check_duration(part.get("retention"))
