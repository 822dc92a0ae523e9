"""What app developers test with: a client from a few rules, and a server in memory. Not imported by the rest."""

from nearwise.testing.clients import LocalClient, client_from
from nearwise.testing.rule_sets import RuleSetInvalid
from nearwise.testing.servers import MemoryServer

__all__ = ["LocalClient", "MemoryServer", "RuleSetInvalid", "client_from"]
