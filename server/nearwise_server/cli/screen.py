"""What the command prints: problems, decisions and tables, the same in a terminal and in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nearwise_rules import CandidateExplanation, Decision, Explanation, Item
from nearwise_server.authoring import LocatedProblem

out = Console(highlight=False, soft_wrap=True)
"""What a command was asked for."""

_WIDEST = 10_000
"""No table is cut: a terminal wraps what does not fit, and a pipe takes it all."""

err = Console(highlight=False, soft_wrap=True, stderr=True)
"""Everything else: hints and failures."""


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def show_json(content: object) -> None:
    """One JSON document, as it is."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def show_problems(problems: Sequence[LocatedProblem], files: int, out: Console = out) -> None:
    """All problems, aligned, and their number."""
    width = min(max((len(problem.where) for problem in problems), default=0), 48)
    for problem in problems:
        out.print(f"[bold]{escape(problem.where):<{width}}[/]  {escape(problem.message)}")
    out.print(f"[red]{plural(len(problems), 'problem')}[/] in {plural(files, 'file')}")


def show_decision(decision: Decision) -> None:
    """The answer, its value and its reason."""
    answer = ", ".join(decision.keys) or ("no variant" if decision.variant is None else decision.variant)
    out.print(f"[bold]{escape(decision.flag)}[/]  ->  [bold green]{escape(answer)}[/]   {escape(_headline(decision))}")
    if decision.variant is not None and not decision.items:
        out.print(f"  value  {escape(json.dumps(decision.value, ensure_ascii=False))}")
    for diagnostic in decision.diagnostics:
        out.print(f"  [yellow]{escape(f'{diagnostic.code} {diagnostic.place}: {diagnostic.message}')}[/]")


def show_explanation(explanation: Explanation) -> None:
    """What each rule made of the question, in order, with what decided it."""
    for note in explanation.notes:
        out.print(f"  {escape(note)}")
    width = max((len(rule.name) for rule in explanation.rules), default=0)
    for rule in explanation.rules:
        reasons = [finding.message for finding in rule.findings if finding.good is rule.held]
        first, *rest = [*([rule.effect] if rule.effect else []), *reasons] or [""]
        state = "[green]held[/]" if rule.held else "[red]out[/] "
        out.print(f"  {escape(rule.name):<{width}}  {state}  {escape(first)}".rstrip())
        for line in rest:
            out.print(f"  {'':<{width}}        {escape(line)}")
    _show_candidates(explanation.candidates)


def _show_candidates(candidates: Sequence[CandidateExplanation]) -> None:
    """Why each candidate of a placement is shown, lower or out."""
    width = max((len(each.key) for each in candidates), default=0)
    for each in candidates:
        score = "out" if each.score is None and not each.is_shown else "" if each.score is None else f"{each.score:.2f}"
        colour = "green" if each.is_shown else "dim" if each.score is not None else "red"
        out.print(f"  [{colour}]{escape(each.key):<{width}}  {score:>6}[/]  {escape(each.because)}", highlight=False)


def _headline(decision: Decision) -> str:
    parts: list[str] = [decision.reason.value]
    if decision.items and decision.variant:
        parts.append(f"policy '{decision.variant}'")
    if decision.error_code:
        parts.append(decision.error_code.value)
    if decision.rule:
        parts.append(f"rule '{decision.rule}'")
    if decision.propensity is not None:
        parts.append(f"{decision.propensity * 100:g} % of subjects")
    if decision.experiment:
        parts.append(f"experiment '{decision.experiment}'")
    if decision.participation is not None and decision.participation.override:
        parts.append("QA override")
    return " · ".join(parts)


def decision_json(decision: Decision) -> dict[str, object]:
    """A decision as JSON."""
    return {
        "flag": decision.flag,
        "value": decision.value,
        "variant": decision.variant,
        "reason": decision.reason.value,
        "rule": decision.rule,
        "experiment": decision.experiment,
        "propensity": decision.propensity,
        "items": [item_json(item) for item in decision.items],
        "cell": None if decision.cell is None else dict(decision.cell),
        "new": decision.new,
        "error_code": decision.error_code.value if decision.error_code else None,
        "diagnostics": [
            {"code": found.code, "place": found.place, "message": found.message} for found in decision.diagnostics
        ],
    }


def item_json(item: Item) -> dict[str, object]:
    """One item of a placement as JSON."""
    return {
        "offer": item.key,
        "score": item.score,
        "position": item.position,
        "fallback": item.is_fallback,
        "content": item.value,
    }


def explanation_json(explanation: Explanation) -> dict[str, object]:
    """What each rule made of a question, as JSON."""
    rules = [
        {
            "name": rule.name,
            "held": rule.held,
            "effect": rule.effect,
            "findings": [found.message for found in rule.findings],
        }
        for rule in explanation.rules
    ]
    candidates = [
        {"offer": each.key, "shown": each.is_shown, "score": each.score, "because": each.because}
        for each in explanation.candidates
    ]
    return {"notes": list(explanation.notes), "rules": rules, "candidates": candidates}


def show_table(title: str, columns: Iterable[str], rows: Iterable[Sequence[object]]) -> None:
    """A table without lines; what looks like a number stands to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    texts = [["" if cell is None else f"{cell:,}" if type(cell) is int else str(cell) for cell in row] for row in rows]
    if not texts:
        out.print(f"[bold]{escape(title)}[/]")
        return
    for index, column in enumerate(columns):
        numeric = all(row[index].replace(",", "").lstrip("+-").isdecimal() for row in texts if row[index])
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    for row in texts:
        table.add_row(*map(escape, row))
    table.width = out.measure(table, options=out.options.update(max_width=_WIDEST)).maximum
    out.print(table, soft_wrap=True, crop=False, overflow="ignore")


def ago(milliseconds: object, now: float) -> str:
    """How long ago a Unix time in milliseconds was."""
    if not isinstance(milliseconds, int | float):
        return "never"
    seconds = max(0, round(now - milliseconds / 1000))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def clock(milliseconds: object) -> str:
    """A Unix time in milliseconds as UTC to the minute."""
    if not isinstance(milliseconds, int | float):
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def texts_of(row: Mapping[str, object], names: Iterable[str]) -> list[object]:
    """The named members of a JSON object, in order."""
    return [row.get(name) for name in names]
