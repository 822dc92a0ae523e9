"""Children of the demo end when they are told to, and never outlive it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nearwise_server.demo import processes
from nearwise_server.demo.errors import DemoFailed
from nearwise_server.demo.processes import Child

LISTENS = (
    "import sys; print('here', flush=True); [print(line.strip(), flush=True) for line in sys.stdin]; print('done')"
)
STUBBORN = "import signal, sys, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True)\n"


def test_a_child_hears_what_it_is_told_and_ends_with_its_input(tmp_path: Path) -> None:
    with Child("till", tmp_path / "log") as child:
        child.start(["-c", LISTENS], os.environ)
        child.tell("word")
        child.end(10.0)
        assert not child.ended_unasked
    assert (tmp_path / "log").read_text().split() == ["here", "word", "done"]


def test_a_child_that_ends_by_itself_is_noticed_and_its_log_named(tmp_path: Path) -> None:
    with Child("till", tmp_path / "log") as child:
        child.start(["-c", "import sys; sys.exit('broken')"], os.environ)
        child.wait(10.0)
        assert child.ended_unasked
        with pytest.raises(DemoFailed, match=r"till ended early; see .*log"):
            child.require_alive()


def test_a_killed_child_ended_because_it_was_asked_to(tmp_path: Path) -> None:
    with Child("till", tmp_path / "log") as child:
        child.start(["-c", LISTENS], os.environ)
        child.kill()
        assert not child.ended_unasked
        child.start(["-c", LISTENS], os.environ)
        child.tell("again")


def test_a_child_that_does_not_listen_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Child("till", tmp_path / "log") as child:
        child.start(["-c", STUBBORN + "threading.Event().wait()"], os.environ)
        monkeypatch.setattr(processes, "TERMINATION_SECONDS", 0.05)
        child.end(0.0)
        assert child.wait(0.0)


def test_a_child_ends_when_the_demo_itself_is_killed(tmp_path: Path) -> None:
    demo = (
        "import os, pathlib, signal, sys\n"
        "from nearwise_server.demo.processes import Child\n"
        f"child = Child('till', pathlib.Path({str(tmp_path / 'log')!r}))\n"
        f"child.start(['-c', {LISTENS!r}], os.environ)\n"
        "child.tell('word')\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    path = os.pathsep.join(str(Path(__file__).parents[2] / room) for room in ("rules", "sdk", "server"))
    environment = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", demo], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    deadline = time.monotonic() + 10
    while "done" not in (tmp_path / "log").read_text():
        assert time.monotonic() < deadline
        os.sched_yield()
