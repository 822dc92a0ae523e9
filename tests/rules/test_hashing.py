"""Hashing: the same digests whichever code computes them."""

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from nearwise_rules.bundle.hashing import sha256, sha512


@given(st.binary(max_size=300))
def test_digests_are_those_of_hashlib(data: bytes) -> None:
    assert sha256(data).hexdigest() == hashlib.sha256(data).hexdigest()
    assert sha512(memoryview(data)).digest() == hashlib.sha512(data).digest()


def digest_in_a_new_process(preparation: str) -> str:
    script = (
        f"{preparation}\nimport sys\nfrom nearwise_rules import root_hash\n"
        "print(root_hash([('flag', 'a', '0' * 64)]), '_hashlib' in sys.modules)"
    )
    path = [f"import sys; sys.path[:0] = {[place for place in sys.path if place]!r}"]
    return subprocess.run(
        [sys.executable, "-c", "\n".join([*path, script])], check=True, capture_output=True, text=True
    ).stdout


def test_openssl_is_used_only_when_it_is_there_already_or_nothing_else_is() -> None:
    plain = digest_in_a_new_process("")
    digest = plain.split()[0]
    assert plain.split()[1] == "False"
    assert digest_in_a_new_process("import hashlib").split() == [digest, "True"]
    missing = "sys.modules.update(dict.fromkeys(['_sha2', '_sha256', '_sha512']))"
    assert digest_in_a_new_process(missing).split() == [digest, "True"]
