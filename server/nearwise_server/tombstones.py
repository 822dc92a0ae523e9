"""Who was erased, in memory: a batch that comes late does not bring them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from nearwise_rules import open_batch
from nearwise_server.erasing import find_erased
from nearwise_server.store.batches import LEDGER_LIMITS, Delivery
from nearwise_server.store.erasures import Tombstone, bury, tombstones_after
from nearwise_server.store.mentions import mention, mentions_in, split


class Tombstones:
    """All tombstones, by environment and mention. Used by the one writer, in its transaction: so none is overlooked."""

    def __init__(self) -> None:
        self._row = 0
        self._known: dict[str, dict[bytes, list[Tombstone]]] = {}

    def without_erased(self, connection: Connection, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """The deliveries without the events of subjects that were erased after they were recorded."""
        for tombstone in tombstones_after(connection, self._row):
            known = self._known.setdefault(tombstone.environment, {})
            known.setdefault(mention(tombstone.digest), []).append(tombstone)
            self._row = tombstone.row
        return [self._without_erased(connection, delivery) for delivery in deliveries]

    def _without_erased(self, connection: Connection, delivery: Delivery) -> Delivery:
        known = self._known.get(delivery.environment)
        named = split(delivery.mentions) & known.keys() if known else ()
        if not known or not named:
            return delivery
        batch = open_batch(delivery.body, LEDGER_LIMITS)
        erased = find_erased(batch, delivery, [tombstone for part in named for tombstone in known[part]])
        if not erased.by_index:
            return delivery
        for erasure, digest in erased.joined:
            bury(connection, delivery.environment, erasure, digest)
        body = batch.without(erased.by_index)
        left = [members for members in open_batch(body, LEDGER_LIMITS).members() if members is not None]
        return replace(
            delivery,
            body=body,
            mentions=mentions_in(left),
            erased=frozenset(erased.by_index),
            drafts=tuple(draft for draft in delivery.drafts if draft.seq - delivery.first not in erased.by_index),
        )
