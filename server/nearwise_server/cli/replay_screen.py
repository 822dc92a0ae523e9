"""What the commands print of recorded decisions: how many came out the same, and what a draft would change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rich.markup import escape

from nearwise_rules import (
    Decision,
    Explanation,
    JsonObject,
    Recording,
    Release,
    Tally,
    explain_recording,
    newly_read,
)
from nearwise_server.cli import screen
from nearwise_server.replaying import Mismatch, Repeated, Simulated

MOST_ROWS = 12
"""Tables show the largest differences; JSON has all."""


def show_repeated(found: Repeated) -> None:
    """How many decisions came out the same, and the first that did not, field by field."""
    colour = "red" if found.different else "green"
    told = f"{found.same:,} of {screen.plural(found.decisions, 'decision')} came out the same"
    screen.out.print(f"[{colour}]{told}[/]" + (f", {found.different:,} did not" if found.different else ""))
    for (version, root), count in sorted(found.elsewhere.items()):
        screen.out.print(f"  {screen.plural(count, 'decision')} of bundle {version} (root {root[:12]}): not at hand")
    _show_damaged(found.damaged)
    for mismatch in found.mismatches:
        asked = f"{mismatch.key}  {_who(mismatch.subject)}  {_when(mismatch.at)}  bundle {mismatch.bundle}"
        screen.out.print(f"[bold]{escape(asked)}[/]")
        for each in mismatch.differences:
            told = f"  {each.field:<11} {_json(each.recorded)} -> {_json(each.repeated)}"
            screen.out.print(told, markup=False)


def repeated_json(found: Repeated) -> dict[str, object]:
    """The same as JSON."""
    return {
        "same": found.same,
        "different": found.different,
        "damaged": found.damaged,
        "elsewhere": [
            {"bundle": version, "root": root, "decisions": count}
            for (version, root), count in sorted(found.elsewhere.items())
        ],
        "mismatches": [_mismatch_json(mismatch) for mismatch in found.mismatches],
    }


def _mismatch_json(mismatch: Mismatch) -> dict[str, object]:
    return {
        "key": mismatch.key,
        "subject": mismatch.subject,
        "at": mismatch.at,
        "bundle": mismatch.bundle,
        "differences": {each.field: [each.recorded, each.repeated] for each in mismatch.differences},
    }


def show_simulated(found: Simulated, draft: Release, current: Release | None, examples: int) -> None:
    """What a draft would change: a heading, tables and examples for each flag and placement, most changes first."""
    changed = sum(tally.changed for tally in found.tallies.values())
    blank = sum(tally.newly_blank for tally in found.tallies.values())
    colour = "red" if blank else "green"
    screen.out.print(
        f"{screen.plural(found.decisions, 'decision')}: {changed:,} would be answered otherwise "
        f"({_percent(changed, found.decisions)}), [{colour}]{blank:,} newly blank[/]"
    )
    _show_damaged(found.damaged)
    for key, tally in _by_changes(found):
        screen.out.print()
        _show_tally(key, tally, is_compared=current is not None)
        for what in _not_recorded(draft, current, key, tally):
            screen.out.print(f"  [yellow]the draft reads {escape(what)}, which was not recorded[/]")
        for members in tally.examples[:examples]:
            _show_example(draft, Recording.from_members(members))


def _not_recorded(draft: Release, current: Release | None, key: str, tally: Tally) -> list[str]:
    """What the draft reads and no recording can have, or without a bundle to compare with, none has."""
    return sorted(tally.unseen) if current is None else list(newly_read(draft, current, key))


def _by_changes(found: Simulated) -> list[tuple[str, Tally]]:
    return sorted(found.tallies.items(), key=lambda each: (-each[1].newly_blank, -each[1].changed, each[0]))


def _show_tally(key: str, tally: Tally, *, is_compared: bool) -> None:
    before, after, all_of_them = tally.before, tally.after, tally.decisions
    parts = [screen.plural(all_of_them, "decision"), f"{tally.changed:,} otherwise"]
    if tally.is_placement:
        parts.append(f"blank {before.blank:,} -> {after.blank:,} (newly {tally.newly_blank:,})")
        parts.append(f"fallback {_percent(before.fallback, all_of_them)} -> {_percent(after.fallback, all_of_them)}")
        bound = f"{_percent(before.bound, all_of_them)} -> " if is_compared else "in "
        parts.append(f"a cap bound {bound}{_percent(after.bound, all_of_them)}")
    if after.missing:
        parts.append("the draft has none of that key")
    screen.out.print(f"[bold]{escape(key)}[/]  {' · '.join(parts)}")
    names = ("policy", "variant")[not tally.is_placement]
    if tally.is_placement:
        _show_counts("offer", before.offers, after.offers)
    if not tally.is_placement or before.variants != after.variants:
        _show_counts(names, before.variants, after.variants)
    _show_limits(tally, is_compared=is_compared)


def _show_counts(noun: str, before: Counter[str], after: Counter[str]) -> None:
    """A table of counts, the largest differences first."""
    names = sorted({*before, *after}, key=lambda name: (-abs(after[name] - before[name]), -after[name], name))
    rows = [(name or "none", before[name], after[name], _signed(after[name] - before[name])) for name in names]
    if rows:
        _show_rows((noun, "before", "after", "difference"), rows)


def _show_limits(tally: Tally, *, is_compared: bool) -> None:
    """How often each cap and budget kept an offer back, the most often first."""
    before, after = tally.before.kept_back, tally.after.kept_back
    names = sorted({*before, *after}, key=lambda name: (-after[name], -before[name], name))
    rows = [
        (offer or "the placement", limit, *((before[offer, limit],) if is_compared else ()), after[offer, limit])
        for offer, limit in names
    ]
    if rows:
        _show_rows(("kept back", "by", *(("before",) if is_compared else ()), "after"), rows)


def _show_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    screen.show_table("", columns, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        screen.out.print(f"  and {len(rows) - MOST_ROWS:,} more")


def _show_example(draft: Release, recording: Recording) -> None:
    explanation = _explained(draft, recording)
    before = ", ".join(_answered(recording)) or "nothing"
    asked = f"  for instance {_who(recording.subject)} at {_when(recording.at)}: {before}"
    after = ", ".join(_decided(explanation.decision, recording)) or "nothing"
    screen.out.print(f"{escape(asked)} -> {escape(after)}")
    screen.show_explanation(explanation)


def _explained(draft: Release, recording: Recording) -> Explanation:
    """What the draft makes of a recording, said of the candidates that come or go."""
    explanation = explain_recording(draft, recording)
    concerned = {*_answered(recording), *explanation.decision.keys}
    candidates = tuple(each for each in explanation.candidates if each.key in concerned)
    return replace(explanation, candidates=candidates)


def _answered(recording: Recording) -> list[str]:
    answer = recording.answer
    if answer.items is not None:
        return [item.offer for item in answer.items]
    return [answer.variant or "no variant"]


def _decided(decision: Decision, recording: Recording) -> list[str]:
    """What a draft's decision gives instead."""
    return decision.keys if recording.answer.items is not None else [decision.variant or "no variant"]


def simulated_json(found: Simulated, draft: Release, current: Release | None, examples: int) -> dict[str, object]:
    """What a draft would change, as JSON: pairs are before and after."""
    return {
        "decisions": found.decisions,
        "changed": sum(tally.changed for tally in found.tallies.values()),
        "newly_blank": sum(tally.newly_blank for tally in found.tallies.values()),
        "damaged": found.damaged,
        "keys": {
            key: {
                **_tally_json(tally, is_compared=current is not None),
                "not_recorded": _not_recorded(draft, current, key, tally),
                "examples": [_example_json(draft, members) for members in tally.examples[:examples]],
            }
            for key, tally in _by_changes(found)
        },
    }


def _tally_json(tally: Tally, *, is_compared: bool) -> dict[str, object]:
    before, after = tally.before, tally.after
    told: dict[str, object] = {
        "kind": "placement" if tally.is_placement else "flag",
        "decisions": tally.decisions,
        "changed": tally.changed,
        "missing": [before.missing, after.missing],
        "variants": _pairs(before.variants, after.variants),
    }
    if not tally.is_placement:
        return told
    limits = sorted({*before.kept_back, *after.kept_back})
    return told | {
        "newly_blank": tally.newly_blank,
        "blank": [before.blank, after.blank],
        "fallback": [before.fallback, after.fallback],
        "bound": [before.bound if is_compared else None, after.bound],
        "offers": _pairs(before.offers, after.offers),
        "kept_back": [
            {
                "offer": offer or None,
                "limit": limit,
                "times": [before.kept_back[offer, limit] if is_compared else None, after.kept_back[offer, limit]],
            }
            for offer, limit in limits
        ],
    }


def _pairs(before: Counter[str], after: Counter[str]) -> dict[str, list[int]]:
    return {name: [before[name], after[name]] for name in sorted({*before, *after})}


def _example_json(draft: Release, members: JsonObject) -> dict[str, object]:
    recording = Recording.from_members(members)
    explanation = _explained(draft, recording)
    return {
        "subject": recording.subject,
        "at": recording.at,
        "before": _answered(recording),
        "after": _decided(explanation.decision, recording),
        "explanation": screen.explanation_json(explanation),
    }


def _show_damaged(count: int) -> None:
    if count:
        screen.out.print(f"  [yellow]{screen.plural(count, 'line')} held no recorded decision[/]")


def _who(subject: object) -> str:
    return "somebody unnamed" if subject is None else str(subject)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
