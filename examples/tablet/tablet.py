"""A tablet in an outdoor shop: anyone may browse, who wants to signs in, and nothing personal happens without a yes.

    NEARWISE_URL=https://centre.example NEARWISE_KEY=... SUBJECT_KEY=00112233... python -m examples.tablet.tablet

The screen is text: each line that is typed is a touch, each line that is printed is what the visitor sees.

    look CLIMBING    the products of a category        privacy    three questions
    home             the first page                    forget     everything about me
    card 1042        sign in                           next       the visitor leaves
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

import nearwise

QUESTIONS: dict[str, tuple[str, ...]] = {
    "May we remember what you look at?": ("store", "profile"),
    "May we choose what you see by it, and by your card?": ("personalise",),
    "May we count what you were shown, to get better at it?": ("measure",),
}
"""What is asked, in words that say what happens, and the purposes that a yes grants."""

TIERS = {"1042": "gold"}
"""Stands in for the shop's own customer system."""


class Tablet:
    """One tablet. `touch` is one touch of the visitor in front of it; what it yields is what he sees."""

    def __init__(self, client: nearwise.Client) -> None:
        self.client = client
        self.card: str | None = None
        self.questions: list[str] = []
        self.answers: dict[str, bool] = {}  # of this visit

    @property
    def visit(self) -> nearwise.Context:
        """What is known of this visitor. The rules see of it what he agreed to, so nothing is checked here."""
        if self.card is None:
            return self.client.context()
        return self.client.context(self.card, customer={"tier": TIERS.get(self.card, "none")})

    def touch(self, line: str) -> Iterator[str]:
        """One touch."""
        action, _, word = line.strip().partition(" ")
        if self.questions:
            yield from self._answer(is_yes=action == "yes")
        elif action == "look":
            self.visit.track("product_viewed", category=word)
            yield f"All about {word.lower()}"
        elif action == "home":
            for tile in self.visit.decide("home"):
                tile.shown()
                yield f"* {tile.value['title']}"
        elif action == "privacy":
            self.questions = list(QUESTIONS)
            yield self.questions[0]
        elif action == "card":
            if self.answers:
                self.client.consent(word, self.answers)  # before signing in: it decides whether the session joins
            joined, self.card = self.client.sign_in(word), word
            yield "Hello, and we remember." if joined else "Hello."
        elif action == "forget":
            yield from self._forget()
        elif action == "next":
            self.card, self.answers = None, {}
            self.client.next_customer()
            yield "Welcome"

    def _answer(self, *, is_yes: bool) -> Iterator[str]:
        """One answer of the dialog. A no is a no: it withdraws, and takes out what was stored under an earlier yes."""
        question = self.questions.pop(0)
        self.answers.update(dict.fromkeys(QUESTIONS[question], is_yes))
        if self.questions:
            yield self.questions[0]
            return
        consent = self.client.consent(self.card, self.answers)
        yield f"Thank you. You agreed to: {', '.join(consent.granted) or 'nothing'}"

    def _forget(self) -> Iterator[str]:
        """Everything about who is signed in, here at once and at the centre as soon as there is a network."""
        if self.card is None:
            yield "You are not signed in: when you leave, nothing is kept."
            return
        erasure = self.client.forget(self.card)
        self.card, self.answers = None, {}
        yield f"Forgotten on this tablet. Your receipt: {erasure.id}"

    def receipts(self) -> list[str]:
        """What the centre says of those who were forgotten; for the notice board of the staff."""
        return [f"{each.id}: {'done at the centre' if each.done else 'on its way'}" for each in self.client.erasures()]


def run(tablet: Tablet, touches: Iterable[str]) -> Iterator[str]:
    """Play touches; what is seen, line by line."""
    for line in touches:
        yield from tablet.touch(line)


def main() -> None:
    """Standard input is the screen's glass."""
    if missing := {"NEARWISE_URL", "NEARWISE_KEY", "SUBJECT_KEY"} - os.environ.keys():
        sys.exit(f"tablet: set {', '.join(sorted(missing))}")
    settings = nearwise.Settings(subject_key=bytes.fromhex(os.environ["SUBJECT_KEY"]))  # no card number is stored
    url, key = os.environ["NEARWISE_URL"], os.environ["NEARWISE_KEY"]
    with nearwise.Client(url, key=key, storage="tablet-data", settings=settings) as client:
        for line in run(Tablet(client), sys.stdin):
            print(line, flush=True)


if __name__ == "__main__":
    main()
