"""Retention held against what looks back: nothing may ask for more of an event than is remembered of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import inf

from nearwise_rules.history.measures import VERBS
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.files import EVERY_OTHER
from nearwise_rules.rulesets.parts import Part
from nearwise_rules.windows import parse_duration, parse_window

_CALENDAR_SECONDS: Mapping[str, float] = {
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 31 * 86_400,
    "ever": inf,
}


def check_retention(draft: Draft) -> None:
    """Report every window that is longer than its event is remembered."""
    texts = {name: event.get("retention").value for name, event in draft.sources["event"].items()}
    remembered = {name: _seconds(text) for name, text in texts.items()}
    for event, part, default in _looking_back(draft):
        name = event if event in remembered else EVERY_OTHER
        window = part.get("window")
        text = window.value if isinstance(window.value, str) else default
        if text is not None and _length(text) > remembered.get(name, inf):
            where = part if window.absent else window
            message = f"'{event}' is remembered for {texts[name]}, and the window here is {text}"
            where.problem("beyond_retention", message)


def _looking_back(draft: Draft) -> Iterator[tuple[str, Part, str | None]]:
    """The event that is asked about, the part with the window, and the window when there is none."""
    for attribute in draft.sources["attribute"].values():
        history = attribute.get("history")
        for verb in VERBS:
            if not history.get(verb).absent:  # without a window it looks back as far as there is something
                yield str(history.get(verb).value), history, None
    for owner in (*draft.sources["offer"].values(), *draft.sources["placement"].values()):
        for cap in _items(owner.get("caps")):
            yield str(cap.get("count").value or "exposure"), cap, "ever"
        for suppression in _items(owner.get("suppress")):
            yield str(suppression.get("after").value), suppression, None
    for cap in draft.sources["cap"].values():
        yield str(cap.get("count").value or "exposure"), cap, "ever"


def _items(part: Part) -> list[Part]:
    return part.items() if isinstance(part.value, list) else []


def _seconds(text: object) -> float:
    with suppress(ValueError):
        return parse_duration(text) if isinstance(text, str) else inf
    return inf


def _length(text: str) -> float:
    """The seconds of a window; 0 when it is none, which is reported elsewhere."""
    with suppress(ValueError):
        window = parse_window(text)
        return window.seconds if window.kind == "rolling" else _CALENDAR_SECONDS[window.kind]
    return 0.0
