"""What the demo prints: a bar while it plays, what happens as it happens, and the report at the end.

In a terminal the bar moves; elsewhere only whole lines are printed. Nothing here decides anything.
"""

from __future__ import annotations

import json
import re
import textwrap
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from nearwise_server.demo.intervals import Difference, Share
from nearwise_server.demo.receipts import Receipts
from nearwise_server.demo.redemptions import Comparison
from nearwise_server.demo.report import Report

LABEL_WIDTH = 17
NUMBERS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


class Screen:
    """Where the demo speaks. A context manager: leaving it takes the bar away."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._began = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("baskets"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str, style: str = "") -> None:
        """One line about what has just happened, with the seconds since the start."""
        self._print(Text(f"{time.monotonic() - self._began:5.1f} s  ", style="dim"), text, style or "default")

    def show_progress(self, state: str, done: int, total: int) -> None:
        """Move the bar: what is going on, and how many of all baskets are rung up."""
        if self._bar is None:
            self._bar = self._progress.add_task(state, total=total)
        self._progress.update(self._bar, description=state, completed=done)

    def show_report(self, report: Report, keys: Path | None) -> None:
        """Print the report; `keys`: where the keys of the centre lie, None when it does not go on running."""
        self._console.print()
        self._print(Text(), cast_line(report), "bold")
        for label, text in report_lines(report, keys):
            self._print(Text(f"{label:<{LABEL_WIDTH}}", style="bold"), text, "default")
        for failure in report.failures:
            self._print(Text("check: ", style="bold red"), failure, "bold red")

    def show_error(self, text: str) -> None:
        """Say on standard error why the demo could not be played."""
        Console(stderr=True).print(Text(text, style="bold red"), soft_wrap=True)

    def show_json(self, report: Report) -> None:
        """Print the report as JSON on one line."""
        self._console.file.write(json.dumps(report.to_json(), separators=(",", ":")) + "\n")
        self._console.file.flush()

    def _print(self, label: Text, text: str, style: str) -> None:
        """A label and what it labels: in a terminal folded to its width, elsewhere always one line."""
        indent = len(label)
        first, *more = fold(text, self._console.width - indent) if self._console.is_terminal else [text]
        self._console.print(label.append(first, style=style), soft_wrap=True)
        for line in more:
            self._console.print(Text(" " * indent + line, style=style), soft_wrap=True)


def fold(text: str, width: int) -> list[str]:
    """A text in lines of at most `width`, broken between its columns, and within one only where it alone is longer."""
    lines = [""]
    for gap, column in re.findall(r"( {2,}|^)(.+?)(?= {2,}|$)", text):
        longer = f"{lines[-1]}{gap}{column}"
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(column, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [line for line in lines if line] or [""]


def cast_line(report: Report) -> str:
    """The report's first line: who took part, and how long it took."""
    cast = report.cast
    return (
        f"{number(cast.tills)} tills · {cast.households:,} households · {cast.baskets:,} baskets · {cast.seconds:.0f} s"
    )


def report_lines(report: Report, keys: Path | None) -> list[tuple[str, str]]:
    """The report as (label, text) lines; `keys` as in `Screen.show_report`."""
    cast, asked, events, bundles = report.cast, report.decisions, report.events, report.bundles
    newest = sum(version == bundles.newest for version in report.ended_on.values())
    delta = "no delta" if bundles.delta_bytes is None else f"delta {size(bundles.delta_bytes)}"
    whole, overall = size(bundles.whole_bytes), report.comparisons[0]
    within = " within a call" if events.interrupted else ""
    lines = [
        (
            "decisions",
            f"{asked.count:,}   p50 {microseconds(asked.p50)}   p99 {microseconds(asked.p99)}   "
            f"while offline {asked.offline:,}   blank {asked.blank}",
        ),
        (
            "events",
            f"sent {events.sent:,}   stored {events.stored:,}   missing {events.missing}   twice {events.twice}   "
            f"({number(len(cast.offline))} tills cut off, one of them killed{within})",
        ),
        (
            "bundle",
            f"{bundles.newest} on {newest} of {cast.tills} tills (was {bundles.before}; {delta} instead of {whole})",
        ),
        *((f"  {till}", f"bundle {version}") for till, version in report.ended_on.items() if till in report.behind),
        ("receipts", receipt_line(report.receipts)),
        ("redemptions", f"offer {share(overall.offered)}   holdout {share(overall.held)}   {gap(overall.difference)}"),
        *((f"  {one.label}", offer_line(one)) for one in report.comparisons[1:]),
    ]
    goes_on = "has ended; --keep leaves it running" if keys is None else f"keys in {keys}   Ctrl-C ends"
    lines.append(("centre", f"{report.centre}   {goes_on}"))
    return lines


def receipt_line(receipts: Receipts) -> str:
    """How many receipts had a coupon, and which."""
    coupons = ", ".join(f"{offer} {count:,}" for offer, count in receipts.coupons.items())
    printed = f"coupon {receipts.printed:,}" + (f" ({coupons})" if coupons else "")
    return f"{printed}   only a thank you {receipts.thanks:,}"


def offer_line(one: Comparison) -> str:
    """One offer beside its campaign's holdout."""
    return f"{share(one.offered):<20} holdout {share(one.held):<18} campaign {one.campaign}"


def share(value: Share) -> str:
    """A share as people read it: `17.4 % of 305`."""
    return "nobody" if value.rate is None else f"{value.rate * 100:.1f} % of {value.total}"


def gap(value: Difference | None) -> str:
    """A difference with its interval and what may be said about it."""
    if value is None:
        return "difference unknown"
    verdict = "conclusive" if value.conclusive else "not conclusive"
    return f"{value.estimate * 100:+.1f} points (95 %: {value.low * 100:+.1f} to {value.high * 100:+.1f}): {verdict}"


def number(count: int) -> str:
    """A small number in words."""
    return NUMBERS.get(count, str(count))


def microseconds(nanoseconds: int) -> str:
    """A duration as people read it: `9 us`, from 10 ms on in ms."""
    return f"{nanoseconds / 1e3:.0f} us" if nanoseconds < 10_000_000 else f"{nanoseconds / 1e6:.0f} ms"


def size(count: int) -> str:
    """A number of bytes as people read it: `612 bytes`, `18 kB`."""
    return f"{count} bytes" if count < 10_000 else f"{count / 1000:.0f} kB"
