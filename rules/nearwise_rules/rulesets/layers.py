"""Layers: which basis points belong to which experiment, so that those that run at the same time never overlap.

An experiment keeps what it has, in the order in which it got it; it gives up the last first and takes what nobody has
who runs at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias, cast

from nearwise_rules.documents import Json, JsonObject, Layer
from nearwise_rules.rulesets.drafts import Draft
from nearwise_rules.rulesets.parts import Part, field_names
from nearwise_rules.rulesets.splits import WHOLE, basis_points
from nearwise_rules.schedules.runs import FOREVER, read_run
from nearwise_rules.schedules.wall import Wall

Piece: TypeAlias = "tuple[int, int]"
"""Basis points from the first up to, not including, the last."""


class Tenant(NamedTuple):
    """An experiment of a layer: its share (basis points), when it runs, and the pieces it had, in order."""

    key: str
    share: int
    start: float = -FOREVER
    end: float = FOREVER
    pieces: tuple[Piece, ...] = ()

    def meets(self, other: Tenant) -> bool:
        """Whether both run at some time."""
        return max(self.start, other.start) < min(self.end, other.end)


class Layout(NamedTuple):
    """The pieces of each experiment; how much could not be given to whom; who has lost people to whom."""

    pieces: Mapping[str, tuple[Piece, ...]]
    missing: Mapping[str, int]
    lost: Mapping[str, str]


def lay_out_layer(tenants: Iterable[Tenant]) -> Layout:
    """Give every experiment its share. Something is missing or lost only where dates have changed or shares overlap.

    In the order of their start, experiments keep as much of what they had as their share reaches; then, in the same
    order, they take first what nobody has at any time, then what nobody has who runs at the same time.
    """
    ordered = sorted(tenants, key=lambda tenant: (tenant.start, tenant.key))
    held: dict[str, tuple[Piece, ...]] = {}
    lost: dict[str, str] = {}
    for tenant in ordered:
        kept = tuple(_first(tenant.pieces, tenant.share))
        for other in (each for each in ordered if each.key in held and each.meets(tenant)):
            free = tuple(_without(kept, held[other.key]))
            if _width(free) < _width(kept):
                lost[tenant.key], kept = other.key, free
        held[tenant.key] = kept
    missing: dict[str, int] = {}
    for tenant in ordered:
        wanted = tenant.share - _width(held[tenant.key])
        for piece in _offered(tenant, ordered, held):
            taken = tuple(_first((piece,), wanted))
            wanted -= _width(taken)
            held[tenant.key] = _joined((*held[tenant.key], *taken))
        if wanted:
            missing[tenant.key] = wanted
    return Layout(held, missing, lost)


def _offered(tenant: Tenant, others: Iterable[Tenant], held: Mapping[str, tuple[Piece, ...]]) -> list[Piece]:
    """What an experiment may take: first what is nobody's, then what belongs to those who never run with it."""
    whole = ((0, WHOLE),)
    unused = tuple(_without(whole, [piece for pieces in held.values() for piece in pieces]))
    barred = [piece for each in others if each.meets(tenant) for piece in held[each.key]]
    shared = _without(_without(whole, barred), (*unused, *held[tenant.key]))
    return [*unused, *shared]


def _first(pieces: Iterable[Piece], width: int) -> Iterator[Piece]:
    """The first pieces, so many basis points together."""
    for first, end in pieces:
        reach = min(end - first, width)
        if reach > 0:
            width -= reach
            yield first, first + reach


def _without(pieces: Iterable[Piece], others: Iterable[Piece]) -> Iterator[Piece]:
    """What is left of the pieces, in their order."""
    barred = sorted(others)
    for first, end in pieces:
        reached = first
        for start, stop in barred:
            if start < end and stop > reached:
                if start > reached:
                    yield reached, start
                reached = stop
        if reached < end:
            yield reached, end


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces in their order, those that follow each other made one."""
    joined: list[Piece] = []
    for first, end in pieces:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    return tuple(joined)


def _width(pieces: Iterable[Piece]) -> int:
    return sum(end - first for first, end in pieces)


def check_layer(key: str, part: Part, draft: Draft) -> None:
    """Report everything wrong with one layer: with itself, and with what its experiments ask of it."""
    part.known_fields(field_names(Layer))
    if not part.get("ranges").absent:
        part.get("ranges").problem("derived_field", "'ranges' is filled in by the build", of_key=True)
    tenants = _tenants(key, part.value, draft)
    fullest = max((_together(tenants, each.start) for each in tenants), key=_shares, default=())
    if _shares(fullest) > WHOLE:
        shares = ", ".join([f"{each.key} {each.share / 100:g}" for each in fullest])
        taken = f"the experiments of layer '{key}' take {_shares(fullest) / 100:g} percent at one time: {shares}"
        part.problem("layer_sum", taken, of_key=True)
        return
    layout = lay_out_layer(tenants)
    experiments = draft.sources["experiment"]
    for name, other in layout.lost.items():
        message = f"'{name}' and '{other}' now run at the same time and have people in common, who cannot be in both"
        experiments[name].problem("layer_lost", f"{message}: give it other dates, or begin it anew under another key")
    for name, points in layout.missing.items():
        if name not in layout.lost:
            message = f"layer '{key}' has {points / 100:g} percent too few that are free all the time '{name}' runs"
            experiments[name].get("share").problem("layer_full", f"{message}: the others keep their people")


def _together(tenants: Iterable[Tenant], at: float) -> tuple[Tenant, ...]:
    return tuple(each for each in tenants if each.start <= at < each.end)


def _shares(tenants: Iterable[Tenant]) -> int:
    return sum(each.share for each in tenants)


def built_layer(key: str, document: JsonObject, _last: JsonObject | None, draft: Draft) -> dict[str, Json]:
    """A checked layer with the ranges of its experiments, carried over from its last entry."""
    tenants = _tenants(key, cast("Json", document), draft)
    pieces = lay_out_layer(tenants).pieces
    ranges: list[Json] = [[name, *piece] for name in sorted(pieces) for piece in pieces[name] or ((0, 0),)]
    return {**document, "ranges": ranges}


def _tenants(key: str, layer: Json, draft: Draft) -> list[Tenant]:
    """The experiments of a layer that can be read; what is wrong with the others is told at them."""
    last = draft.last("layer", key)
    had: dict[str, list[Piece]] = {}
    if isinstance(layer, dict) and last.get("salt") == layer.get("salt"):
        for name, first, end in cast("list[tuple[str, int, int]]", last.get("ranges") or []):
            had.setdefault(name, []).append((first, end))
    tenants: list[Tenant] = []
    for name, part in draft.sources["experiment"].items():
        if part.get("layer").value == key:
            share, runs = share_of(part), run_of(part, draft)
            if share is not None and runs is not None:
                tenants.append(Tenant(name, share, *runs, tuple(had.get(name, ()))))
    return tenants


def share_of(experiment: Part) -> int | None:
    """The share of an experiment in basis points; None when it is no percentage."""
    share = experiment.get("share").value
    if share is None:
        return WHOLE
    try:
        return basis_points(share) if isinstance(share, int | float) and not isinstance(share, bool) else None
    except ValueError:
        return None


def run_of(experiment: Part, draft: Draft) -> tuple[float, float] | None:
    """When an experiment runs; None when its dates cannot be read."""
    try:
        return read_run(experiment.value if isinstance(experiment.value, dict) else {}, Wall(draft.zone))
    except ValueError:
        return None
