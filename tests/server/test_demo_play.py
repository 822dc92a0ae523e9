"""What the demo does before and after it plays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from nearwise_server.demo import DemoSettings, run_demo
from nearwise_server.demo.centre import Centre
from nearwise_server.demo.errors import DemoFailed, DemoImpossible
from nearwise_server.demo.play import MARK, campaigns_of, prepare_folder, read_texts
from nearwise_server.demo.settings import find_examples

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_each_run_empties_the_folder_of_the_run_before(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "demo")
    (folder / "old").touch()
    prepare_folder(folder)
    assert not (folder / "old").exists()


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(DemoImpossible, match="not a folder that a demo made"):
        prepare_folder(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "demo")
    (folder / MARK).write_text(f"{os.getppid()}\n")
    with pytest.raises(DemoImpossible, match="a demo runs in"):
        prepare_folder(folder)


def test_a_folder_whose_demo_was_killed_is_made_anew(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "demo")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (folder / MARK).write_text(f"{ended.pid}\n")
    (folder / "old").touch()
    prepare_folder(folder)
    assert not (folder / "old").exists()


def test_a_folder_that_cannot_be_made_is_a_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoImpossible, match="cannot write"):
        prepare_folder(tmp_path / "file" / "demo")


def test_the_examples_of_the_clone_are_found_without_being_named() -> None:
    assert find_examples(None).rules.samefile(EXAMPLES / "shop")


def test_a_folder_without_the_examples_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_demo(DemoSettings(folder=tmp_path / "demo", examples=tmp_path)) == 2
    assert "it needs complete_journey, shop, shop-next" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_demo(DemoSettings(folder=tmp_path / "demo", port=port)) == 2
    assert f"port {port} is in use" in capsys.readouterr().err


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(DemoImpossible, match=f"port {port} is not within 0 and 65535"):
        DemoSettings(port=port)


def test_demos_that_start_together_each_find_their_own_centre(tmp_path: Path) -> None:
    with ExitStack() as stack:
        centres = [stack.enter_context(Centre(prepare_folder(tmp_path / name), None)) for name in ("one", "two")]
        for centre in centres:
            centre.start(["till-1"])
        for centre in centres:
            centre.wait_until_it_answers()
            assert list(centre.devices()) == []
        assert centres[0].port != centres[1].port


def test_a_replay_of_no_length_is_refused() -> None:
    with pytest.raises(DemoImpossible):
        DemoSettings(seconds=0)


def test_a_rule_set_is_read_as_texts_by_path() -> None:
    texts = read_texts(EXAMPLES / "shop")
    assert {"nearwise.yaml", "attributes.yaml", "flags/checkout-offer.yaml"} <= texts.keys()
    assert read_texts(EXAMPLES / "shop-next").keys() <= texts.keys()


def test_every_rule_of_the_offer_flag_stands_for_one_campaign(tmp_path: Path) -> None:
    assert campaigns_of(EXAMPLES / "shop")["winter-mailer"] == "18"
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags" / "checkout-offer.yaml").write_text(
        "variants: {a: {campaign: 1}, b: {campaign: 2}}\nrules: [{name: r, split: {a: 50, b: 50}}]\n"
    )
    with pytest.raises(DemoFailed, match="one campaign"):
        campaigns_of(tmp_path)
