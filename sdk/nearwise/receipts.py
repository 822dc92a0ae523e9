"""Asking the server whether it has carried out the erasures of this device, and keeping its receipts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nearwise.polling import failure
from nearwise.transport import Request

if TYPE_CHECKING:
    from nearwise.erasures import ErasureJournal
    from nearwise.transport import Response, Transport

_RECEIPT_BYTES = 64 * 1024
_AT_ONCE = 20
"""Erasures that are asked for in one round."""


class Receipts:
    """Asks for each erasure until the server says that it is done. One thread calls it."""

    def __init__(self, transport: Transport, journal: ErasureJournal, identity: Mapping[str, str]) -> None:
        self._transport = transport
        self._journal = journal
        self._identity = identity

    def ask(self) -> None:
        """Ask for what has no receipt yet.

        Raises:
            TransportFailed, CallFailed: no usable answer; ask again later.
            OSError: the disk refused a receipt.
        """
        for erasure in self._journal.unanswered()[:_AT_ONCE]:
            path = f"/v1/erasures/{erasure.id}"
            answer = self._transport.send(Request("GET", path, self._identity, most_bytes=_RECEIPT_BYTES))
            if answer.status == 404:  # the event that asks for it has not arrived yet
                continue
            if answer.status != 200:
                raise failure("erasure", answer)
            receipt = _receipt(answer)
            if receipt is not None and receipt.get("id") == erasure.id and receipt.get("status") == "done":
                self._journal.receive(erasure, receipt)


def _receipt(answer: Response) -> Mapping[str, object] | None:
    try:
        document = cast("object", json.loads(answer.body))
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else None
