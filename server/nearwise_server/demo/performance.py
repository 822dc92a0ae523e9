"""What happens to the tills: they open, ring up, lose their network, one is killed, and they come home again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nearwise_server.demo.centre import Centre, PublishedBundle
from nearwise_server.demo.errors import DemoFailed
from nearwise_server.demo.lines import Exchange
from nearwise_server.demo.screen import Screen
from nearwise_server.demo.tills import Till, TillPost

TICK_SECONDS = 0.1
READY_SECONDS = 30.0
SETTLE_SECONDS = 20.0
CLOSE_SECONDS = 10.0
CUT_AT, PUBLISH_AT, KILL_AT, REOPEN_AT, RESTORE_AT = 0.40, 0.46, 0.50, 0.56, 0.78
"""When things happen, as shares of the replay."""
WITHOUT_NETWORK = (1, 4, 6)
"""The tills that lose their network; the second of them is killed while it has none."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What is played: the till program, the rule set's texts and the change to them, the length in seconds."""

    program: Path
    rules: dict[str, str]
    change: dict[str, str]
    seconds: float


class Performance:
    """Plays the programme with some tills at one centre. Each step is a method, called in the order they stand here."""

    def __init__(
        self, programme: Programme, centre: Centre, exchange: Exchange, tills: Sequence[Till], screen: Screen
    ) -> None:
        self._programme = programme
        self._centre = centre
        self._exchange = exchange
        self._screen = screen
        self._opens = 0.0
        self._state = ""
        self.tills = tuple(tills)
        self.cut_off = tuple(self.tills[number] for number in WITHOUT_NETWORK)
        self.killed = self.cut_off[1]
        self.bundles: tuple[PublishedBundle, ...] = ()

    def open(self) -> None:
        """Publish the rule set and open every till; return when all have a bundle and stand ready.

        Raises:
            DemoFailed: a process ended or is not ready in time.
        """
        self._publish(self._programme.rules, "the rule set as written")
        self._state = "tills open"
        for till in self.tills:
            self._start(till)
        self._wait(lambda: all(till.lives for till in self.tills), READY_SECONDS, "the tills are not ready")
        self._screen.say(f"{len(self.tills)} tills are open, all on bundle {self.bundles[0].version}")

    def replay(self) -> None:
        """Let the tills ring up every basket, and let things happen meanwhile.

        Raises:
            DemoFailed: a process ended that should not, or the replay takes far too long.
        """
        self._opens = time.time()
        for till in self.tills:
            till.child.tell(repr(self._opens))
        for share, state, happening in (
            (CUT_AT, "all online", self._cut),
            (PUBLISH_AT, "three offline", self._change),
            (KILL_AT, "three offline", self._kill),
            (REOPEN_AT, "three offline", self._reopen),
            (RESTORE_AT, "three offline", self._restore),
        ):
            self._state = state
            self._wait_until(self._opens + share * self._programme.seconds)
            happening()
        self._state = "all online"
        patience = self._programme.seconds + READY_SECONDS
        self._wait(self._everything_is_rung_up, patience, "the tills do not finish their baskets")

    def settle(self) -> None:
        """Wait until the centre has every event and knows every till on the newest bundle, or patience ends."""
        self._state = "last events"
        newest = self.bundles[-1].version

        def settled() -> bool:
            known = self._centre.devices()
            return all(
                till.name in known
                and known[till.name].bundle == newest
                and not known[till.name].gaps
                and known[till.name].stored >= till.reported
                for till in self.tills
            )

        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and not settled():
            self._tick()

    def close(self) -> None:
        """Close the tills: each sends what it has left and writes its last line."""
        for till in self.tills:
            till.child.close()
        for till in self.tills:
            till.child.end(CLOSE_SECONDS)
        self._screen.say("the tills are closed, every event is looked up at the centre")

    def _publish(self, texts: dict[str, str], note: str) -> None:
        published = self._centre.publish(texts, note)
        self.bundles = (*self.bundles, published)
        self._screen.say(f"bundle {published.version} is checked, built, signed and published: {note}")

    def _start(self, till: Till) -> None:
        url = self._exchange.url(self.tills.index(till))
        key = self._centre.keys[till.name]
        till.open(TillPost(self._programme.program, url, key, self._programme.seconds))

    def _cut(self) -> None:
        for till in self.cut_off:
            self._exchange.cut(self.tills.index(till))
            till.note_cut()
        self._screen.say(f"{_names(self.cut_off)} lose their network", "yellow")

    def _change(self) -> None:
        self._publish(self._programme.rules | self._programme.change, "half of the households get the wide screen")

    def _kill(self) -> None:
        self.killed.child.kill()
        self._screen.say(f"{self.killed.name} is killed (SIGKILL), with events not sent yet", "red")

    def _reopen(self) -> None:
        lives = self.killed.lives
        self._start(self.killed)
        self.killed.child.tell(repr(self._opens))
        self._wait(lambda: self.killed.lives > lives, READY_SECONDS, f"{self.killed.name} does not come back")
        self._screen.say(f"{self.killed.name} decides again, from its disk, without a network", "yellow")

    def _restore(self) -> None:
        for till in self.cut_off:
            till.note_restored()
            self._exchange.restore(self.tills.index(till))
        self._screen.say(f"{_names(self.cut_off)} have their network back", "green")

    def _everything_is_rung_up(self) -> bool:
        return all(till.rung_up >= till.visits for till in self.tills)

    def _wait_until(self, moment: float) -> None:
        while time.time() < moment:
            self._tick()

    def _wait(self, done: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise DemoFailed(f"{otherwise} after {seconds:.0f} s; see {self.tills[0].log}")
            self._tick()

    def _tick(self) -> None:
        self._centre.child.require_alive()
        for till in self.tills:
            till.look()
            if till.child.ended_unasked:
                till.child.require_alive()
        done = sum(till.rung_up for till in self.tills)
        self._screen.show_progress(self._state, done, sum(till.visits for till in self.tills))
        time.sleep(TICK_SECONDS)


def _names(tills: Sequence[Till]) -> str:
    first = ", ".join(till.name for till in tills[:-1])
    return f"{first} and {tills[-1].name}"
