"""Source of one compiled function while it is written: its lines, its constants, and which locals hold their values.

Nothing of a rule becomes source text: keys and constants are written as 'k0', 'k1', ... and take the place of these in
the code object.

Attributes are loaded where they are first needed and shared by all rules. An eager writer loads by index: fast, but a
missing attribute raises KeyError; a patient one loads by `get`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from enum import Enum

from .slots import FITS, Guard, Path


class Known(Enum):
    """Whether a local holds its value at a place in the code."""

    NO = 0
    MAYBE = 1
    YES = 2


HELD: Mapping[str, Known] = {}


class Writer:
    """Lines, constants and locals of one function."""

    def __init__(self, guards: Mapping[Path, Guard], groups: frozenset[Path], *, patient: bool) -> None:
        self.guards = guards
        self.groups = groups
        self.patient = patient
        self.lines: list[str] = []
        self.depth = 2
        self.constants: dict[str, object] = {}
        self.functions: dict[str, Callable[..., object]] = {}
        self.known: dict[str, Known] = {}
        self.unchecked: set[str] = set()
        self.tested: set[str] = set()
        self._locals: dict[tuple[str, Path], str] = {}
        self._keys: dict[str, str] = {}

    def line(self, text: str) -> None:
        """Write one line at the current depth."""
        self.lines.append(" " * self.depth + text)

    @contextmanager
    def inside(self, head: str) -> Generator[None]:
        """Write a block: its head line, then what is written meanwhile, one deeper."""
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def constant(self, value: object) -> str:
        """Bind a value; give what stands for it in the source."""
        if type(value) is not str:
            return self._bound(value)
        known = self._keys.get(value)
        if known is None:
            known = self._keys[value] = self._bound(sys.intern(value))
        return known

    def function(self, value: Callable[..., object]) -> str:
        """Bind a function; give the name to call it by."""
        name = f"{'p' if self.patient else 'e'}{len(self.functions)}"
        self.functions[name] = value
        return name

    def _bound(self, value: object) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return f"'{name}'"

    def local(self, prefix: str, path: Path) -> str:
        """The local of an attribute ("v"), of a group ("g") or of an attribute read as a version ("w")."""
        return self._locals.setdefault((prefix, path), f"{prefix}{len(self._locals)}")

    def load(self, path: Path) -> str:
        """Write what makes the attribute's local hold a checked value; give the local."""
        local = self.load_unchecked(path)
        if local in self.unchecked:
            self.unchecked.discard(local)
            self.line(FITS[self.guards[path]].format(local))
        return local

    def load_unchecked(self, path: Path) -> str:
        """As `load`, but the value may still have to be checked: then the local is in `unchecked`."""
        return self._loaded(self.local("v", path), path, checked=False)

    def fits(self, path: Path) -> str:
        """Write what loads an attribute; give an expression that is true when its value is there and of its kind."""
        local = self.load_unchecked(path)
        if local not in self.unchecked:
            return f"{local} is not None"
        self.unchecked.discard(local)
        guard = self.guards[path]
        fits = f"({FITS[guard].format(local)})"
        return f"{fits} and {local} is not None" if guard is Guard.PLAIN else fits

    def load_version(self, path: Path) -> str:
        """Write what makes a local hold the attribute as a parsed version, or None; give the local."""
        text = self.load_unchecked(path)
        local = self.local("w", path)
        before = self._reading(local)
        if before is not HELD:
            self.line(f"{local} = versions[{text}]")
        self._read(local, before)
        return local

    def _loaded(self, local: str, path: Path, *, checked: bool) -> str:
        before = self._reading(local)
        if before is not HELD:
            group = self._group(path[:-1])
            key = self.constant(path[-1])
            self.line(f"{local} = {group}.get({key})" if self.patient else f"{local} = {group}[{key}]")
            if not checked:
                self.unchecked.add(local)
            elif self.patient:
                self.line(f"if type({local}) is not dict: {local} = group({local})")
            self._read(local, before)
        return local

    def _group(self, path: Path) -> str:
        if not path:
            return "data"
        if self.patient or path in self.groups:
            return self._loaded(self.local("g", path), path, checked=True)
        return "data" + "".join(f"[{self.constant(key)}]" for key in path)

    def _reading(self, local: str) -> Mapping[str, Known] | None:
        """Begin to write what makes a local hold its value: HELD if it does, what was known if a condition opens."""
        state = self.known.get(local, Known.NO)
        if state is not Known.MAYBE:
            return HELD if state is Known.YES else None
        self.tested.add(local)
        self.line(f"if {local} is unread:")
        self.depth += 1
        return dict(self.known)

    def _read(self, local: str, before: Mapping[str, Known] | None) -> None:
        if before:
            self.depth -= 1
            self.join(before)
        self.known[local] = Known.YES

    def join(self, other: Mapping[str, Known]) -> None:
        """Two ways meet here, this one and one that knows `other`: hold what both are sure of."""
        for local, state in self.known.items():
            if state is not other.get(local, Known.NO):
                self.known[local] = Known.MAYBE
