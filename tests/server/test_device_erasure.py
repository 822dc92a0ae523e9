"""A device and a centre forget a subject together: afterwards no file of either holds a byte of him."""

from __future__ import annotations

import time
from pathlib import Path

import nearwise as sdk
from tests.server.conftest import Nearwise

ANNA, BERTA = "h-1042-anna", "h-1043-berta"
EVENTS = "purchase: { purposes: [measure] }\n"
KEY = b"a secret of one tenant"


def all_bytes(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_a_device_is_asked_to_forget_is_in_no_file_of_either(
    nearwise: Nearwise, shop: Path, url: str, tmp_path: Path
) -> None:
    (shop / "events.yaml").write_text(EVENTS)
    publishing = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    assert nearwise("publish", "shop", "--url", url, "--key", publishing).code == 0
    key = nearwise("keys", "create", "device", "--data", "centre").out.strip()
    (tmp_path / "key").write_bytes(KEY)
    token = nearwise("subject", ANNA, "--key-file", "key").out.strip()
    with device(url, key, tmp_path / "till") as client:
        assert client.ready(10)
        for subject in (ANNA, BERTA):
            client.consent(subject, {"store": True, "measure": True})
            for number in range(20):
                client.context(subject).track("purchase", number)
        assert client.flush(10) == 0
        assert token.encode() in all_bytes(tmp_path / "till")
        client.forget(ANNA)
        assert client.flush(10) == 0
        deadline = time.monotonic() + 20
        while not client.erasures()[0].done:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (erasure,) = client.erasures()
    assert erasure.receipt is not None
    assert (erasure.receipt["digest"], erasure.receipt["events"]) == (erasure.digest, 21)
    for name in (token.encode(), ANNA.encode()):
        assert name not in all_bytes(tmp_path / "till")
        assert name not in all_bytes(tmp_path / "centre")


def device(url: str, key: str, storage: Path) -> sdk.Client:
    settings = sdk.Settings(device="till-07", poll_seconds=0.1, send_seconds=0.01, jitter=0, subject_key=KEY)
    return sdk.Client(url, key=key, storage=storage, settings=settings)
