"""The demo from the first line to the last: prepare, play, count, print, clean up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

import yaml

from nearwise_server.demo.centre import Centre
from nearwise_server.demo.errors import DemoError, DemoFailed, DemoImpossible
from nearwise_server.demo.journey import Journey, read_journey
from nearwise_server.demo.lines import Exchange
from nearwise_server.demo.performance import Performance, Programme
from nearwise_server.demo.receipts import count_receipts
from nearwise_server.demo.reconciliation import Tally, tally
from nearwise_server.demo.redemptions import FLAG, compare
from nearwise_server.demo.report import BundleSizes, Cast, Report, summarise
from nearwise_server.demo.screen import Screen
from nearwise_server.demo.settings import DemoSettings, Examples, find_examples
from nearwise_server.demo.tills import Till

MARK = ".nearwise-demo"


def run_demo(settings: DemoSettings, screen: Screen | None = None) -> int:
    """Play the demo and print its report; return the exit code.

    0: played, and with `check` nothing to complain of; 1: the check failed; 2: it could not be played; 130: Ctrl-C.
    """
    screen = screen or Screen()
    try:
        with _ended_like_ctrl_c(), ExitStack() as stack:
            report = _play(settings, screen, stack)
            screen.show_report(report, settings.folder / "keys.txt" if settings.keep else None)
            if settings.json:
                screen.show_json(report)
            if settings.keep:
                _wait_for_ctrl_c()
    except KeyboardInterrupt:
        return 130
    except DemoError as error:
        screen.show_error(str(error))
        return 2
    return 1 if settings.check and report.failures else 0


def prepare_folder(folder: Path) -> Path:
    """Make the demo's folder anew; only a folder that an earlier demo made is emptied.

    Raises:
        DemoImpossible: the folder is somebody else's, or cannot be written.
    """
    try:
        if folder.exists():
            _require_ours(folder)
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / MARK).write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise DemoImpossible(f"the demo cannot write to {folder}: {error.strerror}") from error
    return folder


def _require_ours(folder: Path) -> None:
    mark = folder / MARK
    if any(folder.iterdir()) and not mark.is_file():
        raise DemoImpossible(f"{folder} is not a folder that a demo made; name another with --folder")
    process = mark.read_text().strip() if mark.is_file() else ""
    if os.name == "posix" and process.isdecimal() and int(process) != os.getpid():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(process), 0)
            raise DemoImpossible(f"a demo runs in {folder} (process {process}); end it, or name another with --folder")


def read_texts(folder: Path) -> dict[str, str]:
    """The files of a rule set folder: path within it (with slashes) -> text."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def campaigns_of(rules: Path) -> dict[str, str]:
    """Which campaign each rule of the offer flag offers: rule name -> campaign.

    Raises:
        DemoFailed: a rule has no name, or offers coupons of more than one campaign.
    """
    flag = yaml.safe_load((rules / "flags" / f"{FLAG}.yaml").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for rule in flag["rules"]:
        served = [rule["serve"]] if "serve" in rule else list(rule["split"])
        campaigns = {str(flag["variants"][variant]["campaign"]) for variant in served}
        if len(campaigns) != 1 or "name" not in rule:
            raise DemoFailed(f"a rule of {FLAG} needs a name and one campaign")
        found[rule["name"]] = campaigns.pop()
    return found


def _play(settings: DemoSettings, screen: Screen, stack: ExitStack) -> Report:
    """Play from start to end. The centre is put on `stack`, so that the caller says when it ends."""
    began = time.monotonic()
    examples = find_examples(settings.examples)
    folder = prepare_folder(settings.folder)
    centre = stack.enter_context(Centre(folder, settings.port))
    names = [f"till-{number + 1}" for number in range(settings.tills)]
    centre.start(names)
    journey = read_journey(examples.data)  # while the centre starts
    dealt = zip(names, journey.by_till(settings.tills), strict=True)
    tills = [Till(name, folder / "tills" / name, visits) for name, visits in dealt]
    with ExitStack() as scene, screen:
        for till in tills:
            scene.enter_context(till.child)
        centre.wait_until_it_answers()
        screen.say(f"the centre answers at {centre.url}")
        exchange = scene.enter_context(Exchange(centre.port, settings.tills))
        programme = Programme(examples.till, read_texts(examples.rules), read_texts(examples.change), settings.seconds)
        performance = Performance(programme, centre, exchange, tills, screen)
        performance.open()
        performance.replay()
        performance.settle()
        performance.close()
        report = _count(performance, centre, journey, examples, began)
    (folder / "report.json").write_text(json.dumps(report.to_json(), indent=2) + "\n")
    return report


def _count(performance: Performance, centre: Centre, journey: Journey, examples: Examples, began: float) -> Report:
    events = sorted(centre.events(), key=lambda event: (event.device, event.epoch, event.sequence))
    known = centre.devices()
    ledgers = {till.name: till.ledger() for till in performance.tills}
    whole = Tally(0, 0, 0, 0, 0)
    for name, ledger in ledgers.items():
        of_till = [event for event in events if event.device == name]
        whole += tally(ledger, of_till, known[name].gaps if name in known else 0)
    cast = Cast(
        tills=len(performance.tills),
        households=journey.households,
        baskets=sum(ledger.baskets for ledger in ledgers.values()),
        offline=tuple(till.name for till in performance.cut_off),
        killed=performance.killed.name,
        seconds=time.monotonic() - began,
    )
    return Report(
        cast=cast,
        decisions=summarise([(ledgers[till.name], till.offline) for till in performance.tills]),
        events=whole,
        bundles=_sizes(performance, centre),
        ended_on={name: ledger.end_version for name, ledger in ledgers.items()},
        comparisons=compare(events, campaigns_of(examples.rules)),
        receipts=count_receipts(events),
        centre=centre.url,
    )


def _sizes(performance: Performance, centre: Centre) -> BundleSizes:
    before, newest = performance.bundles
    key = centre.keys[performance.tills[0].name]
    whole = centre.transfer_bytes(f"/v1/bundles/{newest.root}", key)
    delta = centre.transfer_bytes(f"/v1/deltas/{before.root}/{newest.root}", key)
    return BundleSizes(newest.version, before.version, whole or 0, delta)


def _wait_for_ctrl_c() -> None:
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


@contextmanager
def _ended_like_ctrl_c() -> Generator[None, None, None]:
    """While inside, SIGTERM and a closed terminal end the demo as Ctrl-C does: with everything cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = [(number, signal.signal(number, interrupt)) for number in signals]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
