"""Regular expressions in linear time: a Thompson automaton whose deterministic states are made as a text needs them.

A search costs at most (characters of the text) x (instructions of the pattern), whatever both hold, and one dictionary
look-up per character once its states are known. What is remembered is bounded, and dropped when the bound is reached.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

from nearwise_rules.errors import DocumentError, Problem

from .pattern_syntax import (
    LAST_CHARACTER,
    Assertion,
    Chain,
    Characters,
    Choice,
    PatternNode,
    Ranges,
    Repeat,
    read_pattern,
)

MAX_INSTRUCTIONS = 500
MAX_REMEMBERED_STEPS = 2_000
MAX_REMEMBERED_POSITIONS = 10_000
STEPS_PER_OPERATION = 2
"""How many steps of a search count as one operation in the budget of an evaluation."""

_SPLIT, _CHARACTER, _ASSERTION, _FOUND = range(4)
_EDGE, _NEWLINE, _WORD, _OTHER = range(4)
_WORDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Pattern:
    """A compiled pattern. Shared between threads: what it remembers is only ever added to, or replaced whole."""

    __slots__ = ("_instructions", "_memory", "_reads_edges", "_start", "size", "text")

    def __init__(self, text: str, tree: PatternNode) -> None:
        program = _Program()
        found = program.add(_FOUND)
        self.text = text
        self._start = program.before(tree, found)
        self._instructions = tuple(program.instructions)
        self._reads_edges = any(instruction[0] == _ASSERTION for instruction in self._instructions)
        self.size = len(self._instructions)
        self._memory = _Memory()

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def cost(self, text: str) -> int:
        """Give the operations that a search of the text takes at most, and what making the pattern took."""
        return 1 + (2 + len(text)) * self.size // STEPS_PER_OPERATION

    def search(self, text: str) -> bool:
        """Answer whether the pattern occurs anywhere in the text."""
        state = self._state(frozenset((self._start,)), _EDGE)
        for character in text:
            state = state[character]
            if not state and state.found:
                return True
        if state.ends is None:
            state.ends = self._closure(state.positions, state.before, _EDGE) is None
        return state.ends

    def _state(self, positions: frozenset[int], before: int) -> _State:
        memory = self._memory
        known = memory.states.get((positions, before))
        if known is not None:
            return known
        if memory.steps > MAX_REMEMBERED_STEPS or memory.positions > MAX_REMEMBERED_POSITIONS:
            self._memory = memory = _Memory()
        state = _State(self, positions, before)
        memory.states[positions, before] = state
        memory.positions += len(positions)
        return state

    def step(self, state: _State, character: str) -> _State:
        """Compute the state after one more character, and remember it."""
        after = _kind(character) if self._reads_edges else _OTHER
        reached = self._closure(state.positions, state.before, after)
        if reached is None:
            return _FOUND_STATE
        following = {self._start}
        for position in reached:
            if _contains(self._instructions[position][1], character):
                following.add(self._instructions[position][2])
        successor = self._state(frozenset(following), after)
        state[character] = successor
        self._memory.steps += 1
        return successor

    def _closure(self, positions: Iterable[int], before: int, after: int) -> list[int] | None:
        """Follow everything that takes no character; None when that finds a match, else the waiting instructions."""
        waiting: list[int] = []
        pending = list(positions)
        seen = set(pending)
        while pending:
            position = pending.pop()
            code, operand, following, other = self._instructions[position]
            if code == _FOUND:
                return None
            if code == _CHARACTER:
                waiting.append(position)
                continue
            targets = (following, other) if code == _SPLIT else (following,)
            if code == _ASSERTION and not _stands(operand, before, after):
                continue
            pending.extend(target for target in targets if target not in seen)
            seen.update(targets)
        return waiting


class _State(dict[str, "_State"]):
    """One deterministic state: character -> next state, filled as texts need it. The found state stays empty."""

    __slots__ = ("before", "ends", "found", "pattern", "positions")

    def __init__(self, pattern: Pattern | None, positions: frozenset[int], before: int) -> None:
        super().__init__()
        self.pattern = pattern
        self.positions = positions
        self.before = before
        self.found = pattern is None
        self.ends = True if pattern is None else None

    def __missing__(self, character: str) -> _State:
        return self if self.pattern is None else self.pattern.step(self, character)


_FOUND_STATE = _State(None, frozenset(), _EDGE)


class _Memory:
    """The states of one pattern so far, counted to keep them bounded."""

    __slots__ = ("positions", "states", "steps")

    def __init__(self) -> None:
        self.states: dict[tuple[frozenset[int], int], _State] = {}
        self.steps = 0
        self.positions = 0


def _kind(character: str) -> int:
    if character == "\n":
        return _NEWLINE
    return _WORD if character in _WORDS else _OTHER


def _stands(assertion: object, before: int, after: int) -> bool:
    match assertion:
        case "text_start":
            return before == _EDGE
        case "text_end":
            return after == _EDGE
        case "line_start":
            return before in (_EDGE, _NEWLINE)
        case "line_end":
            return after in (_EDGE, _NEWLINE)
        case "word_edge":
            return (before == _WORD) != (after == _WORD)
        case _:
            return (before == _WORD) == (after == _WORD)


def _contains(wanted: object, character: str) -> bool:
    assert isinstance(wanted, Characters)  # noqa: S101
    forms = {character, character.lower(), character.upper()} if wanted.folded else (character,)
    codes = [ord(form) for form in forms if len(form) == 1]
    inside = any(_holds(wanted.ranges, code) for code in codes)
    return inside != wanted.negated


def _holds(ranges: Ranges, code: int) -> bool:
    place = bisect_right(ranges, (code, LAST_CHARACTER)) - 1
    return place >= 0 and code <= ranges[place][1]


class _Program:
    """Instructions `(code, operand, following, other)`, written from the end of the pattern to its beginning."""

    def __init__(self) -> None:
        self.instructions: list[tuple[int, Characters | str | None, int, int]] = []
        self.work = 0

    def add(self, code: int, operand: Characters | str | None = None, following: int = -1, other: int = -1) -> int:
        if len(self.instructions) >= MAX_INSTRUCTIONS:
            raise _too_large()
        self.instructions.append((code, operand, following, other))
        return len(self.instructions) - 1

    def before(self, node: PatternNode, following: int) -> int:
        """Write the node so that `following` comes after it; give its first instruction."""
        self.work += 1
        if self.work > 2 * MAX_INSTRUCTIONS:  # a repeat of nothing adds no instruction, but takes time
            raise _too_large()
        match node:
            case Characters():
                return self.add(_CHARACTER, node, following)
            case Assertion():
                return self.add(_ASSERTION, node.kind, following)
            case Chain():
                for part in reversed(node.parts):
                    following = self.before(part, following)
                return following
            case Choice():
                entry = self.before(node.parts[-1], following)
                for part in reversed(node.parts[:-1]):
                    entry = self.add(_SPLIT, None, self.before(part, following), entry)
                return entry
            case Repeat():
                return self.before_repeat(node, following)

    def before_repeat(self, node: Repeat, following: int) -> int:
        entry = following
        if node.most is None:
            entry = self.add(_SPLIT, None, following, following)
            body = self.before(node.part, entry)
            self.instructions[entry] = (_SPLIT, None, body, following)
        else:
            for _ in range(node.most - node.least):
                entry = self.add(_SPLIT, None, self.before(node.part, entry), following)
        for _ in range(node.least):
            entry = self.before(node.part, entry)
        return entry


def _too_large() -> DocumentError:
    message = f"the pattern is too large: its repeats written out take over {MAX_INSTRUCTIONS} steps"
    return DocumentError([Problem("bad_pattern", "", message)])


@lru_cache(maxsize=256)
def pattern_of(text: str) -> Pattern:
    """Compile a pattern; the last 256 are remembered.

    Raises:
        DocumentError: what is wrong with it, and at which character.
    """
    return Pattern(text, read_pattern(text))
