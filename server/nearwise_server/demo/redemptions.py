"""Who redeemed: households that were offered a campaign's coupons beside those held out, out of the stored events.

A household enters at the first checkout where a rule of `checkout-offer` held for it. It counts as redeeming when it
redeemed a coupon of that rule's campaign in that basket or a later one. The holdout is ours and random; the purchases
happened in 2017, before any of this was shown to anybody, so the true difference is zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nearwise_server.demo.intervals import Difference, Share, difference
from nearwise_server.demo.reconciliation import StoredEvent

FLAG = "checkout-offer"
HELD = "HOLDOUT"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Redeeming households among those offered and among those held out. `label` names the offer, or is `all`."""

    label: str
    campaign: str | None
    offered: Share
    held: Share

    @property
    def difference(self) -> Difference | None:
        """The offered share minus the held one, with its 95 % interval."""
        return difference(self.offered, self.held)


@dataclass(slots=True)
class Entry:
    """A household's way through one rule: what it was first given, and whether it redeemed from then on."""

    subject: str
    variant: str
    campaign: str
    held: bool
    redeemed: bool = False


def compare(events: Iterable[StoredEvent], campaigns: Mapping[str, str]) -> tuple[Comparison, ...]:
    """All households first, then one comparison per offer, each beside its campaign's holdout.

    `events` come in each till's own order. `campaigns` maps a rule of `checkout-offer` to the campaign it offers.
    """
    entries = _entries(events, campaigns)
    comparisons = [Comparison("all", None, _households(entries, held=False), _households(entries, held=True))]
    for campaign in sorted(set(campaigns.values()), key=int):
        inside = [entry for entry in entries if entry.campaign == campaign]
        held = _share([entry for entry in inside if entry.held])
        for variant in sorted({entry.variant for entry in inside if not entry.held}):
            offered = _share([entry for entry in inside if not entry.held and entry.variant == variant])
            comparisons.append(Comparison(variant, campaign, offered, held))
    return tuple(comparisons)


def _entries(events: Iterable[StoredEvent], campaigns: Mapping[str, str]) -> list[Entry]:
    entries: dict[tuple[str, str], Entry] = {}
    for event in events:
        if event.subject is None:
            continue
        if event.type == "exposure" and event.content.get("flag") == FLAG:
            rule = str(event.content.get("rule"))
            if rule in campaigns and (event.subject, rule) not in entries:
                variant, held = str(event.content.get("variant")), event.content.get("reason") == HELD
                entries[event.subject, rule] = Entry(event.subject, variant, campaigns[rule], held)
        elif event.type == "track" and event.content.get("name") == "redemption":
            properties = event.content.get("properties")
            campaign = properties.get("campaign") if isinstance(properties, dict) else None
            for rule, of_rule in campaigns.items():
                entry = entries.get((event.subject, rule))
                if entry is not None and of_rule == campaign:
                    entry.redeemed = True
    return list(entries.values())


def _share(entries: Sequence[Entry]) -> Share:
    return Share(sum(entry.redeemed for entry in entries), len(entries))


def _households(entries: Sequence[Entry], *, held: bool) -> Share:
    redeemed: dict[str, bool] = {}
    for entry in entries:
        if entry.held == held:
            redeemed[entry.subject] = redeemed.get(entry.subject, False) or entry.redeemed
    return Share(sum(redeemed.values()), len(redeemed))
