"""The command as people and CI use it: what it prints, how it exits, and that it never shows a traceback."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from nearwise_rules import Trust, open_bundle
from nearwise_server import cli
from nearwise_server.signing_keys import load_signing_key
from tests.server.conftest import Ended, Nearwise, replace


def test_it_tells_its_version(nearwise: Nearwise) -> None:
    assert nearwise("--version") == Ended(0, f"{version('nearwise')}\n", "")


def test_the_starter_rule_set_passes_check(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise("check", "shop")
    assert ended == Ended(0, "no problems in 5 files: 1 flag, 1 segment, 2 attributes, 2 golden cases\n", "")


def test_init_makes_a_private_key_that_git_leaves_alone(nearwise: Nearwise, shop: Path) -> None:
    key = shop / ".nearwise/signing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert ".nearwise/*.key" in (shop / ".gitignore").read_text()
    load_signing_key(str(key))


def test_init_never_overwrites(nearwise: Nearwise, shop: Path) -> None:
    before = (shop / "nearwise.yaml").read_text()
    ended = nearwise("init", "shop")
    assert (ended.code, ended.out) == (2, "")
    assert "exists already; nothing was written" in ended.err
    assert (shop / "nearwise.yaml").read_text() == before


def test_the_starter_points_editors_at_schemas_that_exist(shop: Path) -> None:
    for file in shop.rglob("*.yaml"):
        target = file.read_text().splitlines()[0].split("$schema=")[1]
        assert json.loads((file.parent / target).read_text())["type"] in ("object", "array")


def test_check_prints_all_problems_aligned_and_exits_with_1(nearwise: Nearwise, shop: Path) -> None:
    replace(shop / "flags/checkout-banner.yaml", "basket.total }, 20", "basket.totl }, 20")
    replace(shop / "segments.yaml", "silver, gold", "sliver, gold")
    (shop / "cases/broken.yaml").write_bytes(b"- name: caf\xe9")
    assert nearwise("check", "shop") == Ended(
        1,
        "cases/broken.yaml:1:12            not UTF-8 text\n"
        "flags/checkout-banner.yaml:12:27  unknown attribute 'basket.totl' (did you mean 'basket.total'?)\n"
        "segments.yaml:4:40                'customer.tier' is never \"sliver\" (did you mean 'silver'?)\n"
        "3 problems in 6 files\n",
        "",
    )


def test_check_tells_ci_in_json(nearwise: Nearwise, shop: Path) -> None:
    assert json.loads(nearwise("check", "shop", "--format", "json").out) == {
        "files": 5,
        "problems": [],
        "audiences": [],
    }
    replace(shop / "flags/checkout-banner.yaml", "serve: thanks", "serve: thx")
    ended = nearwise("check", "shop", "--format", "json")
    assert ended.code == 1
    (problem,) = json.loads(ended.out)["problems"]
    assert problem == {
        "file": "flags/checkout-banner.yaml",
        "line": 17,
        "column": 12,
        "code": "unknown_variant",
        "message": "unknown variant 'thx' (known: none, coffee, thanks)",
    }


def test_brackets_of_authors_are_printed_as_they_are(nearwise: Nearwise, shop: Path) -> None:
    replace(shop / "flags/checkout-banner.yaml", "serve: thanks", "serve: '[red]x[/]'")
    assert "unknown variant '[red]x[/]'" in nearwise("check", "shop").out


@pytest.mark.parametrize(
    "arguments",
    [("check", "nowhere"), ("decide", "nowhere", "x"), ("publish", "nowhere", "--key", "k"), ("build", "nowhere")],
)
def test_a_folder_that_is_not_there_is_one_line(nearwise: Nearwise, arguments: tuple[str, ...]) -> None:
    assert nearwise(*arguments) == Ended(2, "", "nearwise: nowhere is not a folder\n")


def test_decide_answers_and_explains(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise(
        *("decide", "shop", "checkout-banner", "--subject", "card-1042", "--explain"),
        *("--set", "basket.total=12.40", "--set", "customer.tier=gold", "--consent", "personalise"),
    )
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "checkout-banner  ->  thanks   TARGETING_MATCH · rule 'regulars'"
    assert lines[1] == '  value  "Thank you for being a regular"'
    assert lines[2] == "  big basket  out   `basket.total` is 12.4, needs >= 20"
    assert lines[3] == "  regulars    held  serves thanks"


def test_decide_tells_what_is_missing_without_consent(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise("decide", "shop", "checkout-banner", "--set", "customer.tier=gold")
    assert ended.out.startswith("checkout-banner  ->  none")
    assert ended.err == "nearwise: 'customer.tier' is missing to rules without --consent personalise\n"


def test_decide_takes_its_context_from_a_file_and_prints_json(nearwise: Nearwise, shop: Path) -> None:
    Path("basket.json").write_text('{"basket": {"total": 3}, "customer": {"tier": "none"}}')
    ended = nearwise("decide", "shop", "checkout-banner", "--context", "basket.json", "--json", "--explain")
    answer = json.loads(ended.out)
    assert (answer["variant"], answer["value"], answer["reason"]) == ("none", "", "DEFAULT")
    assert answer["rules"][0]["findings"] == ["`basket.total` is 3, needs >= 20"]


def test_decide_tells_problems_and_decides_with_what_has_none(nearwise: Nearwise, shop: Path) -> None:
    (shop / "cases").mkdir(exist_ok=True)
    (shop / "cases" / "wrong.yaml").write_text("- name: odd\n  flag: checkout-banner\n  expect: { variant: thanks }\n")
    (shop / "flags" / "broken.yaml").write_text("type: boolean\nvariants: { on: true }\ndefault: of\n")
    ended = nearwise("decide", "shop", "checkout-banner", "--json")
    assert (ended.code, json.loads(ended.out)["variant"]) == (1, "none")
    assert ended.err.count("expected variant") == 1
    assert "unknown variant 'of'" in ended.err
    ended = nearwise("decide", "shop", "broken")
    assert (ended.code, ended.out) == (1, "")
    assert "unknown variant 'of'" in ended.err


def test_decide_shows_a_value_of_the_wrong_type(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise("decide", "shop", "checkout-banner", "--set", "basket.total=lots")
    assert "TYPE_MISMATCH basket.total" in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("checkout-baner",), "unknown flag or placement 'checkout-baner' (did you mean 'checkout-banner'?)"),
        (("checkout-banner", "--set", "basket"), "'basket' is not NAME=VALUE"),
        (("checkout-banner", "--set", "a=1", "--set", "a.b=2"), "'a.b' lies inside a value that is no map"),
        (
            ("checkout-banner", "--consent", "personalize"),
            "unknown purpose 'personalize' (did you mean 'personalise'?)",
        ),
        (("checkout-banner", "--at", "noon"), "'noon' is not a time such as 2026-11-23T08:10"),
        (("checkout-banner", "--context", "none.json"), "none.json: No such file or directory"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_line(
    nearwise: Nearwise, shop: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert nearwise("decide", "shop", *arguments) == Ended(2, "", f"nearwise: {message}\n")


def test_build_writes_a_bundle_that_the_printed_key_opens(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise("build", "shop", "--output", "shop.bundle", "--version", "7")
    pinned = ended.out.splitlines()[-1].split()[-1]
    bundle = open_bundle(Path("shop.bundle").read_bytes(), Trust.pinned(pinned))
    assert (bundle.manifest.version, bundle.keys("flag")) == (7, ("checkout-banner",))


def test_build_after_a_previous_bundle_keeps_who_is_in_a_share(nearwise: Nearwise, shop: Path) -> None:
    flag = "type: string\nvariants: {a: A, b: B, c: C}\ndefault: a\nrules:\n  - name: all\n    split: "
    (shop / "flags/share.yaml").write_text(flag + "{a: 40, b: 30, c: 30}\n")
    assert nearwise("build", "shop", "-o", "one.bundle").code == 0
    (shop / "flags/share.yaml").write_text(flag + "{a: 50, b: 30, c: 20}\n")
    ended = nearwise("build", "shop", "-o", "two.bundle", "--version", "2", "--previous", "one.bundle")
    bundle = open_bundle(Path("two.bundle").read_bytes(), Trust.pinned(ended.out.splitlines()[-1].split()[-1]))
    ranges = json.loads(bundle.entry("flag", "share") or b"")["rules"][0]["ranges"]
    assert ["b", 4000, 7000] in ranges
    Path("one.bundle").write_bytes(b"spoilt")
    refused = nearwise("build", "shop", "--previous", "one.bundle")
    assert (refused.code, "one.bundle: malformed" in refused.err) == (2, True)


def test_build_refuses_a_rule_set_with_problems_and_a_key_that_others_may_read(nearwise: Nearwise, shop: Path) -> None:
    (shop / ".nearwise/signing.key").chmod(0o644)
    ended = nearwise("build", "shop")
    assert (ended.code, "others may read it" in ended.err) == (2, True)
    replace(shop / "flags/checkout-banner.yaml", "serve: thanks", "serve: thx")
    assert nearwise("build", "shop").code == 1
    assert not Path("shop.bundle").exists()


def test_schema_prints_what_editors_need(nearwise: Nearwise) -> None:
    schema = json.loads(nearwise("schema", "flag").out)
    assert "ranges" not in schema["$defs"]["Rule"]["properties"]


def test_publish_status_and_rollback_tell_what_they_did(nearwise: Nearwise, shop: Path, url: str) -> None:
    key = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    at = ("--url", url, "--key", key)
    assert nearwise("publish", "shop", *at, "--note", "first").out.startswith(
        "version 1 of 'production' is the rule set in shop   root "
    )
    assert nearwise("rollback", "1", *at).out.startswith("version 2 of 'production' is the content of version 1")
    reading = ("--url", url, "--key", nearwise("keys", "create", "read", "--data", "centre").out.strip())
    lines = nearwise("status", *reading).out.splitlines()
    assert lines[0] == "published, newest first"
    assert [line.split()[0] for line in lines[2:4]] == ["2", "1"]
    assert "no device yet" in lines
    assert lines[-1] == "events  0 stored   missing 0"
    told = json.loads(nearwise("status", *reading, "--json").out)
    assert [bundle["version"] for bundle in told["bundles"]] == [2, 1]


def test_status_says_which_key_it_needs(nearwise: Nearwise, shop: Path, url: str) -> None:
    key = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    refused = nearwise("status", "--url", url, "--key", key)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"nearwise: {url} refused (403): this needs a key with scope read\n"
    assert "nearwise keys create read" in nearwise("status").err


def test_fetch_writes_the_bundle_that_devices_get(nearwise: Nearwise, shop: Path, url: str) -> None:
    key = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    assert nearwise("fetch", "--url", url, "--key", key).code == 1
    nearwise("publish", "shop", "--url", url, "--key", key)
    device = nearwise("keys", "create", "device", "--data", "centre").out.strip()
    assert nearwise("fetch", "--url", url, "--key", device, "-o", "seed.bundle").code == 0
    bundle = open_bundle(Path("seed.bundle").read_bytes(), Trust.pinned(device.split(".")[-1]))
    assert bundle.keys("flag") == ("checkout-banner",)


def test_publish_shows_the_problems_that_the_centre_finds(nearwise: Nearwise, shop: Path, url: str) -> None:
    key = nearwise("keys", "create", "publish", "--data", "centre").out.strip()
    replace(shop / "flags/checkout-banner.yaml", "serve: thanks", "serve: thx")
    assert nearwise("publish", "shop", "--url", url, "--key", key) == Ended(
        1,
        "flags/checkout-banner.yaml:17:12  unknown variant 'thx' (known: none, coffee, thanks)\n1 problem in 5 files\n",
        "",
    )


def test_refusals_of_the_centre_are_one_line(nearwise: Nearwise, shop: Path, url: str) -> None:
    key = nearwise("keys", "create", "read", "--data", "centre").out.strip()
    for arguments in (("rollback", "9"), ("publish", "shop"), ("status",)):
        wrong = nearwise(*arguments, "--url", url, "--key", "nw1.p000000000000.x" if arguments[0] == "status" else key)
        assert (wrong.code, wrong.out, wrong.err.count("\n")) == (1, "", 1)
        assert wrong.err.startswith(f"nearwise: {url} refused (40")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "no address", "http://[", "ftp://x"])
def test_a_centre_that_does_not_answer_is_one_line(nearwise: Nearwise, address: str) -> None:
    ended = nearwise("status", "--url", address, "--key", "nw1.x")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_a_missing_key_says_how_to_make_one(nearwise: Nearwise, shop: Path) -> None:
    ended = nearwise("publish", "shop")
    assert (ended.code, "nearwise keys create publish" in ended.err) == (2, True)


def test_device_keys_carry_the_public_signing_key(nearwise: Nearwise) -> None:
    made = nearwise("keys", "create", "device", "--data", "centre", "--device", "till-07")
    *_, pin = made.out.strip().split(".")
    signer = load_signing_key("centre/signing.key")
    assert Trust.pinned(pin).keys == {signer.key_id: signer.public_key}
    assert "shown this once" in made.err


def test_keys_are_listed_without_their_secrets_and_revoked_by_id(nearwise: Nearwise) -> None:
    text = nearwise("keys", "create", "read", "--data", "centre", "--note", "report").out.strip()
    identity, secret = text.split(".")[1][1:], text.split(".")[2]
    listed = nearwise("keys", "list", "--data", "centre").out
    assert identity in listed
    assert secret not in listed
    assert nearwise("keys", "revoke", identity, "--data", "centre").out == f"revoked {identity}\n"
    assert nearwise("keys", "revoke", identity, "--data", "centre").code == 1
    assert nearwise("keys", "create", "read", "--environment", "Not Good", "--data", "centre").code == 2


def test_looking_for_keys_makes_no_centre(nearwise: Nearwise) -> None:
    ended = nearwise("keys", "list", "--data", "nowhere")
    assert (ended.code, Path("nowhere").exists()) == (2, False)


def test_serve_says_what_is_wrong_with_its_settings(nearwise: Nearwise) -> None:
    ended = nearwise("serve", "--data", "centre", "--port", "70000")
    assert ended == Ended(2, "", "nearwise: port 70000 is not within 0 and 65535\n")


def test_every_command_has_a_first_line_of_help(nearwise: Nearwise) -> None:
    text = nearwise("--help").out
    for command in (
        "init",
        "check",
        "decide",
        "build",
        "schema",
        "serve",
        "keys",
        "publish",
        "rollback",
        "status",
        "channels",
        "deliveries",
        "demo",
    ):
        assert f" {command} " in text
        assert nearwise(command, "--help").code == 0


def test_without_the_server_extra_one_line_says_what_to_install(
    nearwise: Nearwise, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("nearwise_server.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    assert nearwise("check") == Ended(2, "", cli.MISSING_EXTRA + "\n")


def test_importing_the_command_imports_nothing_of_the_extra() -> None:
    code = (
        "import sys, nearwise_server.cli; print([m for m in ('typer', 'rich', 'yaml', 'pydantic') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"


def test_an_empty_folder_is_no_rule_set(nearwise: Nearwise) -> None:
    assert nearwise("check") == Ended(2, "", "nearwise: . is not the folder of a rule set: it has no nearwise.yaml\n")
