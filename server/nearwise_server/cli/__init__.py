"""The command `nearwise`. Importing this needs nothing but the standard library; `main` loads the rest."""

from __future__ import annotations

import sys

MISSING_EXTRA = 'nearwise: this command needs more than the SDK: pip install "nearwise[server]"'


def main() -> None:
    """Run the command; without the server extra, say in one line what to install and exit with 2."""
    try:
        from nearwise_server.cli.commands import run

        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("nearwise", "nearwise_rules", "nearwise_server"):
            raise
        print(MISSING_EXTRA, file=sys.stderr)
        sys.exit(2)
