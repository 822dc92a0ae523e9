"""A till with triggers that is to be killed: tells on its output each action it was handed. Run by a test."""

from __future__ import annotations

import os
import signal
import sys
from time import sleep

import nearwise
from nearwise_rules import Action


def main() -> None:
    """Die with an action that is due and not handed out yet, or go on until death."""
    client = nearwise.Client(storage=sys.argv[1], seed=sys.argv[2], trust=sys.argv[3])
    if sys.argv[4] == "before":
        client.context("h-1").track("basket", 51)
        while client.status.triggers.actions == 0:
            sleep(0.001)
        os.write(1, b"due\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def callback(action: Action) -> None:
        os.write(1, f"{action.id}\n".encode())

    client.on_action(callback)
    number = 0
    while True:
        number += 1
        client.context(f"h-{os.getpid()}-{number}").track("basket", 51)


if __name__ == "__main__":
    main()
