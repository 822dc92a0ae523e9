"""Who refers to whom: circles between segments and flags, and chains of segments that are too long to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nearwise_rules.logic.run import SEGMENT_NESTING
from nearwise_rules.rulesets.conditions import Reference
from nearwise_rules.rulesets.parts import Part

Name = tuple[str, str]
"""Kind ("segment" or "flag") and key."""


@dataclass(slots=True)
class References:
    """The mentions between segments and flags, each with the part that makes it."""

    mentions: dict[Name, list[tuple[Name, Part]]] = field(default_factory=dict[Name, "list[tuple[Name, Part]]"])

    def add(self, owner: Name, part: Part, found: Iterable[Reference]) -> None:
        """Note what the condition at `part` of `owner` mentions."""
        for kind, key, pointer in found:
            self.mention(owner, (kind, key), Part(part.file, part.pointer + pointer, None, part.report))

    def mention(self, owner: Name, target: Name, part: Part) -> None:
        self.mentions.setdefault(owner, []).append((target, part))

    def report_circles(self) -> bool:
        """Report every circle once, at the mention that closes it; whether there was one."""
        done = set[Name]()
        closed = [self._closes(start, done) for start in sorted(self.mentions) if start not in done]
        return any(closed)

    def _closes(self, start: Name, done: set[Name]) -> bool:
        """Depth first without recursion: `path` holds the names being visited."""
        found = False
        path: list[Name] = [start]
        waiting = [iter(self.mentions.get(start, ()))]
        while path:
            target, part = next(waiting[-1], (None, None))
            if target is None or part is None:
                done.add(path.pop())
                waiting.pop()
            elif target in path:
                circle = [*path[path.index(target) :], target]
                found = True
                part.problem("circle", "goes round in a circle: " + " -> ".join(key for _, key in circle))
            elif target not in done:
                path.append(target)
                waiting.append(iter(self.mentions.get(target, ())))
        return found

    def report_long_chains(self, kind: str, parts: Mapping[str, Part]) -> None:
        """Report parts of a kind whose conditions stand on segments nested deeper than a device evaluates."""
        for key, part in parts.items():
            if self._is_too_deep((kind, key)):
                part.problem(
                    "nesting", f"more than {SEGMENT_NESTING} segments stand inside each other below this {kind}"
                )

    def _is_too_deep(self, owner: Name) -> bool:
        level = {owner}
        for _ in range(SEGMENT_NESTING + 1):
            mentions = [target for name in level for target, _ in self.mentions.get(name, ())]
            level = {target for target in mentions if target[0] == "segment"}
        return bool(level)
