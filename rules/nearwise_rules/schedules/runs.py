"""When something with `start` and `end` runs: read as schedules read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.schedules.reading import read_end, read_start

if TYPE_CHECKING:
    from nearwise_rules.documents import JsonObject
    from nearwise_rules.schedules.wall import Wall

FOREVER = float("inf")


def read_run(document: JsonObject, wall: Wall) -> tuple[float, float]:
    """From when on, and until when (exclusive); without bounds from and for ever.

    Raises:
        ValueError: one of them is neither a date nor a time.
    """
    start, end = document.get("start"), document.get("end")
    return (
        -FOREVER if start is None else read_start(str(start), wall),
        FOREVER if end is None else read_end(str(end), wall),
    )
