"""Decides from a seed bundle with nothing but the plain wheel installed. Arguments: BUNDLE PUBLIC_KEY."""

import sys

import nearwise


def main(bundle: str, public_key: str) -> None:
    """Ask the starter rule set its first question; fail when the answer did not come from the bundle."""
    with nearwise.Client(seed=bundle, trust=public_key) as client:
        decision = client.context(subject="customer-1").decide("checkout-banner", default=None)
    print(f"decided from the seed: {decision!r}")
    if decision.error_code is not None or decision.bundle_version < 1:
        raise SystemExit("the seed bundle did not decide")


if __name__ == "__main__":
    main(*sys.argv[1:])
