"""The storage folder: one client at a time, one name for ever."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nearwise import SettingsInvalid, StorageBusy
from nearwise.storage import Storage


def test_a_second_client_of_the_folder_is_told_who_has_it(tmp_path: Path) -> None:
    first = Storage(str(tmp_path))
    with pytest.raises(StorageBusy, match=f"process {os.getpid()}"):
        Storage(str(tmp_path))
    first.close()
    Storage(str(tmp_path)).close()


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    code = f"import os; from nearwise.storage import Storage; Storage({str(tmp_path)!r}); os.kill(os.getpid(), 9)"
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **paths}, check=False)
    Storage(str(tmp_path)).close()


def test_the_device_is_named_once(tmp_path: Path) -> None:
    first = Storage(str(tmp_path))
    name = first.device()
    first.close()
    again = Storage(str(tmp_path))
    assert again.device() == name
    again.close()


@pytest.mark.parametrize("damage", [b"", b"\n", b"\xff\xfe", b"till 7", b"till\x00", b"x" * 129, b"x" * 1000])
def test_a_damaged_name_is_replaced_by_one_that_the_server_takes(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "device").write_bytes(damage)
    first = Storage(str(tmp_path))
    name = first.device()
    assert re.fullmatch(r"device-[0-9a-f]{12}", name)
    assert first.device() == name
    first.close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsInvalid, match="cannot be used"):
        Storage(str(tmp_path / "file"))
