"""Lists of keys as authors write them: a key on each line, lines that begin with `#` are comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nearwise_rules.audiences.filters import MAX_KEY_CHARACTERS, MAX_KEYS

MAX_PROBLEMS = 20
"""So many problems are told of one list."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class LineProblem(NamedTuple):
    """One thing wrong in a list: the line (counted from 1; 0 means all of them), a stable code and a sentence."""

    line: int
    code: str
    message: str


class KeyList(NamedTuple):
    """The keys of a list in its order, those that occur twice too, and what is wrong with it."""

    keys: list[str]
    problems: tuple[LineProblem, ...]


def read_key_list(text: str) -> KeyList:
    """Read a list. Spaces around a key do not count; bytes that are no UTF-8 may come as lone surrogates."""
    lines = text.removeprefix("\ufeff").split("\n")
    keys = [key for line in lines if (key := line.strip()) and key[0] != "#"]
    problems = _problems(keys, lines, text)
    told = [problem for problem, _ in zip(problems, range(MAX_PROBLEMS + 1), strict=False)]
    if len(told) > MAX_PROBLEMS:
        told[MAX_PROBLEMS] = LineProblem(0, "too_many_problems", f"more than {MAX_PROBLEMS} problems in this list")
    return KeyList(keys, tuple(told))


def _problems(keys: list[str], lines: list[str], text: str) -> Iterator[LineProblem]:
    if not keys:
        yield LineProblem(0, "empty_audience", "there is no key in this list")
    if len(keys) > MAX_KEYS:
        yield LineProblem(0, "too_many_keys", f"an audience has at most {MAX_KEYS:,} keys, and these are {len(keys):,}")
    if max(map(len, keys), default=0) > MAX_KEY_CHARACTERS:
        yield from _long_keys(lines)
    if "\0" in text or not (text.isascii() or _is_utf8(text)):
        yield from _no_texts(lines)


def _long_keys(lines: list[str]) -> Iterator[LineProblem]:
    for number, line in enumerate(lines, 1):
        key = line.strip()
        if len(key) > MAX_KEY_CHARACTERS and key[0] != "#":
            message = f"a key has at most {MAX_KEY_CHARACTERS:,} characters, and this one has {len(key):,}"
            yield LineProblem(number, "key_too_long", message)


def _no_texts(lines: list[str]) -> Iterator[LineProblem]:
    for number, line in enumerate(lines, 1):
        if _NO_TEXT.search(line):
            yield LineProblem(number, "encoding", "not UTF-8 text")


def _is_utf8(text: str) -> bool:
    return not _NO_TEXT.search(text)
