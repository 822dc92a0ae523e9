"""Sending events: one sealed batch at a time, until the server says that it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import cast

from nearwise.events import encode_loss
from nearwise.outbox.batches import Batch, BatchLimits
from nearwise.outbox.sealing import Outbox
from nearwise.polling import CallFailed, failure
from nearwise.problems import is_problem
from nearwise.transport import Request, Response, Transport
from nearwise_rules import encode_batch

BATCH_TYPE = "application/vnd.nearwise.batch"
_TRIES = 3
_FINAL = frozenset({400, 413, 422})
"""What the server answers about the batch itself, not about the moment, the key or the address."""


class Sender:
    """Empties an outbox into a server. One thread calls it."""

    def __init__(
        self, transport: Transport, outbox: Outbox, device: str, limits: BatchLimits, clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._outbox = outbox
        self._device = device
        self._limits = limits
        self._clock = clock
        self._refused: tuple[str, int, int] = ("", 0, 0)

    def send(self, identity: Mapping[str, str]) -> bool:
        """Send one batch; False when there is none. `identity`: the headers that say which device and SDK sends.

        Raises:
            TransportFailed, CallFailed: not stored; the same batch is to be sent again later.
            KeyRefused: not stored, and no batch will be with this key.
            StorageFailed, OSError: the disk failed.
        """
        batch = self._outbox.seal(self._limits)
        if batch is None:
            return False
        body = encode_batch(self._device, batch.epoch, batch.first, batch.events)
        sent = str(int(self._clock() * 1000))
        headers = {**identity, "Content-Type": BATCH_TYPE, "Nearwise-Sent": sent}
        answer = self._transport.send(Request("POST", "/v1/batches", headers, body))
        if answer.status == 200:
            self._settle(batch, answer)
        elif answer.status != 413 or not self._outbox.halve(batch):
            self._refuse(batch, answer)
        return True

    def _settle(self, batch: Batch, answer: Response) -> None:
        """Only the server's own answer to this batch counts: a captive portal also says 200."""
        try:
            receipt = cast("dict[str, object]", json.loads(answer.body))
            ours = receipt["epoch"] == batch.epoch and receipt["device"] == self._device
            stored, duplicate = receipt.get("stored") is True, receipt.get("duplicate") is True
            rejected = {
                int(cast("int", each["index"])): str(each["reason"])
                for each in cast("list[dict[str, object]]", receipt.get("rejected") or [])
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            raise CallFailed("batch, with an answer that is not the server's", answer) from None
        if not ours or not (stored or duplicate):
            raise CallFailed("batch, with an answer to something else", answer)
        self._outbox.bury(batch, rejected)
        self._outbox.settle(batch, _stored_end(batch, receipt) if duplicate else None)

    def _refuse(self, batch: Batch, answer: Response) -> None:
        """Events are given up only on the server's own word: captive portals and proxies answer with anything."""
        if answer.status in _FINAL and is_problem(answer):
            epoch, first, tries = self._refused
            tries = tries + 1 if (epoch, first) == (batch.epoch, batch.first) else 1
            self._refused = (batch.epoch, batch.first, tries)
            if tries >= _TRIES:
                self._give_up(batch, f"refused with {answer.status}: {answer.body[:200].decode('utf-8', 'replace')}")
                return
        raise failure("batch", answer)

    def _give_up(self, batch: Batch, reason: str) -> None:
        self._outbox.bury(batch, dict.fromkeys(range(len(batch.events)), reason))
        at_ms = int(self._clock() * 1000)
        self._outbox.append(encode_loss(at_ms, batch.first, batch.end - 1, len(batch.events), "refused"), critical=True)
        self._outbox.settle(batch)


def _stored_end(batch: Batch, receipt: Mapping[str, object]) -> int:
    """How far a batch that the server knew already is stored.

    It is all of it, unless the cursor was lost and this batch starts like an earlier, shorter one.
    """
    high_water = receipt.get("high_water")
    if isinstance(high_water, int) and batch.first <= high_water < batch.end - 1:
        return high_water + 1
    return batch.end
