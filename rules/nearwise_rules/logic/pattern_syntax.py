"""The syntax of `matches`, a subset of RE2's regular expressions, read into a tree. An error says at which character.

Source of the syntax: https://github.com/google/re2/wiki/Syntax. Left out, and refused: back-references and look-around
(no linear time), named groups, POSIX and Unicode classes, `\\Q...\\E`. `\\d \\s \\w \\b` are ASCII, as in RE2.
"""

from __future__ import annotations

from dataclasses import dataclass

from nearwise_rules.errors import DocumentError, Problem

MAX_PATTERN_CHARACTERS = 1_000
MAX_NESTED_GROUPS = 32
MAX_REPEAT = 1_000

Ranges = tuple[tuple[int, int], ...]
LAST_CHARACTER = 0x10FFFF

_PERL: dict[str, Ranges] = {
    "d": ((48, 57),),
    "s": ((9, 10), (12, 13), (32, 32)),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
}
_CONTROL = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
_ASSERTIONS = {"A": "text_start", "z": "text_end", "b": "word_edge", "B": "not_word_edge"}


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of the ranges (sorted, apart), or, negated, out of all others; folded: in either case."""

    ranges: Ranges
    negated: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place between characters: text_start, text_end, line_start, line_end, word_edge, not_word_edge."""

    kind: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One part after the other."""

    parts: tuple[PatternNode, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the parts."""

    parts: tuple[PatternNode, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part `least` to `most` times; most None: without end."""

    part: PatternNode
    least: int
    most: int | None


PatternNode = Characters | Assertion | Chain | Choice | Repeat


def read_pattern(text: str) -> PatternNode:
    """Read a pattern into its tree.

    Raises:
        DocumentError: what is wrong, and at which character (counted from 1).
    """
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise _refusal(f"a pattern has at most {MAX_PATTERN_CHARACTERS} characters, this one {len(text)}")
    return _Reader(text).whole()


def _refusal(message: str) -> DocumentError:
    return DocumentError([Problem("bad_pattern", "", message)])


def complement(ranges: Ranges) -> Ranges:
    """Give the ranges of every character that is in none of the given ones."""
    gaps: list[tuple[int, int]] = []
    begin = 0
    for low, high in sorted(ranges):
        if low > begin:
            gaps.append((begin, low - 1))
        begin = max(begin, high + 1)
    if begin <= LAST_CHARACTER:
        gaps.append((begin, LAST_CHARACTER))
    return tuple(gaps)


class _Reader:
    """A recursive-descent reader; `flags` holds the letters of `(?ims)` in force."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.flags: frozenset[str] = frozenset()
        self.depth = 0

    def whole(self) -> PatternNode:
        node = self.choice()
        if self.at < len(self.text):
            raise self.wrong("this ) closes no group")
        return node

    def wrong(self, message: str) -> DocumentError:
        return _refusal(f"{message}, at character {self.at + 1} of {self.text!r}")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> bool:
        if not self.text.startswith(expected, self.at):
            return False
        self.at += len(expected)
        return True

    def choice(self) -> PatternNode:
        outer = self.flags
        parts = [self.chain()]
        while self.take("|"):
            parts.append(self.chain())
        self.flags = outer
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def chain(self) -> PatternNode:
        parts: list[PatternNode] = []
        while self.peek() not in ("", "|", ")"):
            atom = self.atom()
            if atom is not None:
                parts.append(self.repeated(atom))
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def repeated(self, atom: PatternNode) -> PatternNode:
        bounds = self.bounds()
        if bounds is None:
            return atom
        self.take("?")  # a lazy repeat finds the same texts
        if self.bounds() is not None:
            raise self.wrong("a repeat cannot repeat; put it in a group")
        return Repeat(atom, *bounds)

    def bounds(self) -> tuple[int, int | None] | None:
        for sign, found in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return found
        begin = self.at
        if not self.take("{"):
            return None
        least = self.digits()
        most = least
        if least is not None and self.take(","):
            most = self.digits() if self.peek().isdigit() else None
        if least is None or not self.take("}"):
            self.at = begin
            raise self.wrong("write {2}, {2,} or {2,5}, or \\{ for the character")
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self.wrong(f"a repeat counts upwards, to at most {MAX_REPEAT}")
        return least, most

    def digits(self) -> int | None:
        begin = self.at
        while self.peek() in tuple("0123456789") and self.at - begin < 6:
            self.at += 1
        return int(self.text[begin : self.at]) if self.at > begin else None

    def atom(self) -> PatternNode | None:
        character = self.peek()
        if character in "*+?{":
            raise self.wrong(f"nothing stands before {character} to repeat")
        self.at += 1
        if character == "(":
            return self.group()
        if character == "[":
            return self.characters()
        if character == ".":
            return Characters(() if "s" in self.flags else ((10, 10),), negated=True)
        if character in "^$":
            many = "m" in self.flags
            return Assertion(("line" if many else "text") + ("_start" if character == "^" else "_end"))
        if character == "\\":
            return self.escaped()
        return self.literal(ord(character))

    def literal(self, code: int) -> Characters:
        return Characters(((code, code),), folded="i" in self.flags)

    def group(self) -> PatternNode | None:
        outer = self.flags
        if self.take("?") and not self.take(":") and not self.read_flags():
            return None  # (?i) speaks about the rest of the group around it
        self.depth += 1
        if self.depth > MAX_NESTED_GROUPS:
            raise self.wrong(f"groups nest at most {MAX_NESTED_GROUPS} deep")
        node = self.choice()
        if not self.take(")"):
            raise self.wrong("a group is not closed")
        self.depth -= 1
        self.flags = outer
        return node

    def read_flags(self) -> bool:
        """Read the letters after `(?`; true when a group follows, false when the flags stand alone."""
        added, removed, into = set[str](), set[str](), True
        while self.peek() not in (":", ")"):
            letter = self.peek()
            if letter == "-" and into:
                into = False
            elif letter and letter in "ims":
                (added if into else removed).add(letter)
            else:
                raise self.wrong("groups here are (...), (?:...) and (?i), (?m), (?s)")
            self.at += 1
        self.flags = self.flags - removed | added
        self.at += 1
        return self.text[self.at - 1] == ":"

    def escaped(self) -> PatternNode:
        letter = self.peek()
        if letter in _ASSERTIONS:
            self.at += 1
            return Assertion(_ASSERTIONS[letter])
        if letter.lower() in _PERL:
            self.at += 1
            return Characters(_PERL[letter.lower()], negated=letter.isupper())
        return self.literal(self.escaped_code())

    def escaped_code(self) -> int:
        letter = self.peek()
        if letter in _CONTROL:
            self.at += 1
            return _CONTROL[letter]
        if letter == "x":
            return self.hexadecimal()
        if letter == "" or letter.isalnum():
            raise self.wrong(f"\\{letter} is not known here")
        self.at += 1
        return ord(letter)

    def hexadecimal(self) -> int:
        self.at += 1
        begin = self.at + 1 if self.peek() == "{" else self.at
        end = self.text.find("}", begin) if begin > self.at else begin + 2
        digits = self.text[begin:end]
        if not 1 <= len(digits) <= 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise self.wrong("write \\x20 or \\x{1F600}")
        code = int(digits, 16)
        if code > LAST_CHARACTER:
            raise self.wrong("there is no such character")
        self.at = end + 1 if begin > self.at else end
        return code

    def characters(self) -> Characters:
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        begin = self.at
        while self.peek() != "]" or self.at == begin:
            if self.peek() == "":
                raise self.wrong("a class [...] is not closed")
            if self.text.startswith("[:", self.at):
                raise self.wrong("classes such as [:alpha:] are not known here")
            ranges.extend(self.class_item())
        self.at += 1
        return Characters(complement(complement(tuple(ranges))), negated, folded="i" in self.flags)

    def class_item(self) -> Ranges:
        letter = self.text[self.at + 1 : self.at + 2]
        if self.peek() == "\\" and letter.lower() in _PERL:
            self.at += 2
            found = _PERL[letter.lower()]
            return complement(found) if letter.isupper() else found
        low = high = self.class_code()
        if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_code()
        if high < low:
            raise self.wrong("a range runs upwards")
        return ((low, high),)

    def class_code(self) -> int:
        character = self.peek()
        if character == "":
            raise self.wrong("a class [...] is not closed")
        self.at += 1
        return self.escaped_code() if character == "\\" else ord(character)
