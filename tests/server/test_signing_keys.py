"""The signing key's file: private, made once, and nothing else is taken for a key."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nearwise_rules import Trust, open_envelope, public_key_text, seal
from nearwise_server.errors import SigningKeyRefused
from nearwise_server.signing_keys import ensure_signing_key, load_signing_key


def test_a_new_key_is_readable_by_its_owner_only_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.key"
    made = ensure_signing_key(str(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert ensure_signing_key(str(path)).public_key == made.public_key
    assert os.listdir(path.parent) == ["signing.key"]


def test_what_it_signs_opens_with_its_public_key(tmp_path: Path) -> None:
    signer = ensure_signing_key(str(tmp_path / "signing.key"))
    envelope = seal(b"{}", [signer])
    assert open_envelope(envelope, Trust.pinned(public_key_text(signer.public_key))) == b"{}"


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    ensure_signing_key(str(path))
    path.chmod(0o640)
    with pytest.raises(SigningKeyRefused, match="chmod 600"):
        load_signing_key(str(path))


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"!" * 43, b"A" * 200])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyRefused, match="not a signing key"):
        load_signing_key(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyRefused, match="nowhere"):
        load_signing_key(str(tmp_path / "nowhere"))
