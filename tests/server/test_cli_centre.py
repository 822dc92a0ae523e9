"""A centre as the command talks to it."""

from __future__ import annotations

import pytest

from nearwise_server.cli.centre import CentreClient
from nearwise_server.cli.errors import CommandFailed


@pytest.mark.parametrize("url", ["localhost:8791", "centre.example", "ftp://centre.example", ""])
def test_an_address_that_is_no_url_says_how_one_begins(url: str) -> None:
    with pytest.raises(CommandFailed, match="begins with http:// or https://"):
        CentreClient(url, "key")
