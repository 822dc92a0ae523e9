"""The demo: a centre and eight tills on real baskets, with the network cut and a till killed, and every event counted.

`run_demo` plays it. docs/demo.md says what its report means.
"""

from nearwise_server.demo.play import run_demo
from nearwise_server.demo.settings import DemoSettings

__all__ = ["DemoSettings", "run_demo"]
