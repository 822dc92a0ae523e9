"""The rule set that `nearwise init` writes: small, complete, and good."""

from __future__ import annotations

import json

from nearwise_server.authoring.structure import KINDS, json_schema

SCHEMA_FOLDER = ".nearwise/schema"
KEY_FILE = ".nearwise/signing.key"


def starter_files(name: str) -> dict[str, str]:
    """The texts of the starter rule set by their path within its folder."""
    schemas = {f"{SCHEMA_FOLDER}/{kind}.json": json.dumps(json_schema(kind), indent=1) + "\n" for kind in KINDS}
    return {
        "nearwise.yaml": _headed("settings", _SETTINGS.format(name=json.dumps(name))),
        "attributes.yaml": _headed("attributes", _ATTRIBUTES),
        "segments.yaml": _headed("segments", _SEGMENTS),
        "flags/checkout-banner.yaml": _headed("flag", _FLAG, depth=1),
        "cases/checkout-banner.yaml": _headed("cases", _CASES, depth=1),
        "README.md": _README.format(name=name),
        ".gitignore": "# The private signing key belongs to one machine.\n.nearwise/*.key\n*.bundle\n",
        **schemas,
    }


def _headed(kind: str, text: str, depth: int = 0) -> str:
    """The text under the line by which editors find the schema."""
    return f"# yaml-language-server: $schema={'../' * depth}{SCHEMA_FOLDER}/{kind}.json\n{text}"


_SETTINGS = """\
name: {name}
zone: UTC                       # the shop's clock: rules read now.hour, now.weekday ... in this zone
# holdout: {{ percent: 5 }}       # keep some subjects out of everything, to see what it is worth
"""

_ATTRIBUTES = """\
# What rules may read. A rule that reads anything else does not build.
basket.total:
  type: number
  unit: EUR
  range: [0, 10000]
customer.tier:
  type: string
  values: [none, silver, gold]
  privacy: personal
  purposes: [personalise]
"""

_SEGMENTS = """\
regulars:
  description: Customers with a card of a tier
  when: { in: [{ var: customer.tier }, [silver, gold]] }
"""

_FLAG = """\
description: The line above the total at checkout
type: string
variants:
  none: ""
  coffee: Take a coffee with you, 10 % off today
  thanks: Thank you for being a regular
default: none

rules:                          # the first rule that holds serves
  - name: big basket
    when: { ">=": [{ var: basket.total }, 20] }
    split: { coffee: 50, none: 50 }
    experiment: coffee-banner
  - name: regulars
    when: { segment: regulars }
    serve: thanks
"""

_CASES = """\
# Golden cases: `nearwise check` runs them, and every device does before it activates a bundle.
- name: a small basket of a regular
  flag: checkout-banner
  subject: card-1042
  context: { basket: { total: 8.5 }, customer: { tier: gold } }
  consent: [personalise]         # the purposes that customer.tier asks for; without them it is missing
  expect: { variant: thanks, reason: TARGETING_MATCH }
- name: a small basket of a stranger
  flag: checkout-banner
  context: { basket: { total: 8.5 } }
  expect: { variant: none, reason: DEFAULT }
"""

_README = """\
# {name}

A rule set for Nearwise.

    nearwise check                                  # every problem with its file, line and column
    nearwise decide . checkout-banner --subject card-1042 --set basket.total=25 --explain
    nearwise build --output shop.bundle             # signed with .nearwise/signing.key

    nearwise serve --data centre                    # a server; then, in another terminal:
    nearwise keys create publish --data centre
    nearwise publish --url http://127.0.0.1:8700 --key nw1.p...
    nearwise keys create device --data centre       # the key that an app gets

`.nearwise/signing.key` is private and stays out of git. `.nearwise/schema` lets editors complete and check these files.
"""
