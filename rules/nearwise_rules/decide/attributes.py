"""The declared attributes of a bundle: their types, where each comes from, and the consent that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from json import loads
from typing import TYPE_CHECKING, cast

from nearwise_rules.consent import purposes_mask

if TYPE_CHECKING:
    from nearwise_rules.bundle import Bundle
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.history import Measure


class Declared:
    """One attribute as it is read: its path, its source, the purposes it needs, and how history answers for it.

    `is_provided`: something beside the context can give it. `asks_of_candidate`: its history is about the candidate of
    a placement, so that each candidate has its own value.
    """

    __slots__ = ("asks_of_candidate", "is_provided", "mask", "measure", "name", "path", "source")

    def __init__(self, name: str, document: JsonObject, retention: Callable[[str], float]) -> None:
        self.name = name
        self.path = tuple(name.split("."))
        self.source = str(document.get("source", "context"))
        self.mask = purposes_mask(cast("list[str]", document.get("purposes") or ()))
        self.measure: Measure | None = None
        history = document.get("history")
        if isinstance(history, Mapping):
            from nearwise_rules.history import compile_measure

            self.measure = compile_measure(history, str(document.get("type")), retention)
        reads = () if self.measure is None else self.measure.reads
        self.asks_of_candidate = any(read.split(".", 1)[0] == "offer" for read in reads)
        self.is_provided = self.measure is not None or self.source in ("device", "signal", "trait")


class Attributes(Mapping[str, str]):
    """The declared type of each attribute, and each declaration; read from the bundle when first asked for."""

    def __init__(self, bundle: Bundle, retention: Callable[[str], float]) -> None:
        """`retention` gives the seconds for which an event is remembered."""
        self._bundle = bundle
        self._retention = retention
        self._types: dict[str, str | None] = {}
        self._declared: dict[str, Declared] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._types:
            body = self._bundle.entry("attribute", name)
            self._types[name] = None if body is None else str(loads(body)["type"])
        found = self._types[name]
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._bundle.keys("attribute"))

    def __len__(self) -> int:
        return len(self._bundle.keys("attribute"))

    def declared(self, name: str) -> Declared | None:
        """The declaration of one attribute; None when there is none of that name."""
        found = self._declared.get(name)
        if found is None:
            body = self._bundle.entry("attribute", name)
            if body is None:
                return None
            found = self._declared[name] = Declared(name, cast("JsonObject", loads(body)), self._retention)
        return found

    def touched(self, reads: Iterable[str]) -> tuple[Declared, ...]:
        """The attributes that these reads can see: themselves, what they lie in, and what lies in them; sorted."""
        wanted = set(reads)
        if not wanted:
            return ()
        names = [name for name in self if "" in wanted or any(_overlap(name, read) for read in wanted)]
        return tuple([found for name in names if (found := self.declared(name)) is not None])


def _overlap(name: str, read: str) -> bool:
    return name == read or name.startswith(f"{read}.") or read.startswith(f"{name}.")
