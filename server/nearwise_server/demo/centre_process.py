"""The centre's process in the demo: an ordinary server that makes its keys first and ends with its standard input.

    python -m nearwise_server.demo.centre_process DATA PORT[,PORT] KEYS TILL...

The first PORT that is free is taken. KEYS is the file that is written once that is done and the keys are made: one line
each, name and key separated by a tab; the first line is `centre` and its URL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from nearwise_rules import public_key_text
from nearwise_server.app import Centre
from nearwise_server.errors import ServerError
from nearwise_server.keys import make_key
from nearwise_server.scopes import Scope
from nearwise_server.serving import serve
from nearwise_server.settings import Settings

ENVIRONMENT = "demo"


def write_keys(url: str, centre: Centre, path: Path, tills: list[str]) -> None:
    """Make a key for publishing, one for reading and one per till, and write them and the URL in one step."""
    now_ms = time.time_ns() // 1_000_000
    lines = [f"centre\t{url}"]
    lines += [
        f"{scope.value}\t{make_key(centre.database, scope, ENVIRONMENT, now_ms=now_ms, note='demo')}"
        for scope in (Scope.PUBLISH, Scope.READ)
    ]
    pin = public_key_text(centre.signer.public_key)
    for till in tills:
        key = make_key(centre.database, Scope.DEVICE, ENVIRONMENT, now_ms=now_ms, device=till, note="demo")
        lines.append(f"{till}\t{key}.{pin}")
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text("".join(f"{line}\n" for line in lines))
    partial.replace(path)


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    data, ports, keys, *tills = arguments

    def end_with_input() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    def started(url: str, centre: Centre) -> None:
        write_keys(url, centre, Path(keys), tills)
        threading.Thread(target=end_with_input, daemon=True).start()

    refusal: ServerError | None = None
    for port in map(int, ports.split(",")):
        try:
            serve(Settings(data=data, port=port, shutdown_seconds=2), started=started)
        except ServerError as error:
            refusal = error
        else:
            return
    sys.exit(str(refusal))


if __name__ == "__main__":
    main(sys.argv[1:])
