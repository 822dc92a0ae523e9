"""JSON bodies: whatever they hold, reading or refusing them keeps other requests waiting for a moment only."""

from __future__ import annotations

import json
import time

import pytest

from nearwise_server.errors import RequestRefused
from nearwise_server.requests import json_body

MOST_BYTES = 4 * 1024 * 1024
MOST = 5_000


def _filled(start: bytes, part: bytes, end: bytes = b"") -> bytes:
    return start + part * ((MOST_BYTES - len(start) - len(end)) // len(part)) + end


@pytest.mark.parametrize(
    "body",
    [
        _filled(b'{"files":[[]', b",[]", b"]}"),
        _filled(b'{"files":{"a":{}', b',"a":{}', b"}}"),
        _filled(b'{"files":[1', b",1", b"]}"),
        _filled(b'{"files":{"":""', b',"":""', b"}}"),
        _filled(b"", b"["),
        _filled(b"", b'"'),
        _filled(b'{"files":[""', b',"\\""', b"]}"),
        _filled(b'{"":"","files":["\\\\"', b",[]", b"]}"),
        _filled(b'{"files":[[]', b",[]", b"]}").decode().encode("utf-16"),
    ],
)
def test_a_body_of_countless_values_is_refused_in_a_moment(body: bytes) -> None:
    before = time.thread_time()
    with pytest.raises(RequestRefused) as refused:
        json_body(body, most=MOST)
    assert refused.value.status in (400, 413)
    assert time.thread_time() - before < 0.5


@pytest.mark.parametrize(
    "text",
    ["[]," * 1_000_000, '"' * 2_000_000, "\\" * 2_000_000, '\\"' * 1_000_000, "\n" * 2_000_000, "é" * 1_000_000],
)
def test_marks_within_texts_are_text(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    before = time.thread_time()
    assert json_body(f'{{"files":{{"a":"{escaped}"}}}}'.encode(), most=MOST) == {"files": {"a": text}}
    assert time.thread_time() - before < 0.5


def test_a_document_of_as_many_items_as_it_may_have_is_read() -> None:
    files = {f"{number}": "[,{" for number in range(MOST)}
    assert json_body(json.dumps({"files": files}).encode(), most=MOST) == {"files": files}


def test_a_body_may_begin_with_a_byte_order_mark() -> None:
    assert json_body(b'\xef\xbb\xbf{"to": 1}') == {"to": 1}
