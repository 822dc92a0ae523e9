import math

import pytest

from nearwise_rules import Run
from nearwise_rules.logic.javascript import double, leading_number, number, number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (123456789012345680000.0, "123456789012345680000"),
        (2**60, "1152921504606847000"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (5e-324, "5e-324"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        (" \n\u00a0\ufeff", 0),
        (" 12 ", 12),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("-Infinity", -math.inf),
        ("0x1F", 31),
        ("0b101", 5),
        ("0o17", 15),
        ("-0x1f", math.nan),
        ("1_000", math.nan),
        ("infinity", math.nan),
        ("nan", math.nan),
        ("1,2", math.nan),
        ("٣", math.nan),
    ],
)
def test_texts_are_numbers_where_javascript_says_so(text: str, value: float) -> None:
    read = number(Run(), text)
    assert read == value or (math.isnan(read) and math.isnan(value))


@pytest.mark.parametrize(
    ("given", "value"), [("3.5abc", 3.5), ("  -1e2x", -100), ("1e", 1), ("Infinityx", math.inf), ([4, 5], 4), (7, 7)]
)
def test_the_leading_number_of_a_text_is_found(given: object, value: float) -> None:
    assert leading_number(Run(), given) == value


@pytest.mark.parametrize("given", ["abc", "", None, True, {}, "-", "."])
def test_what_begins_with_no_number_is_none(given: object) -> None:
    assert math.isnan(leading_number(Run(), given))


def test_numbers_are_doubles_beyond_two_to_the_53() -> None:
    assert double(2**53 + 1) == 2**53
    assert double(10**400) == math.inf
    assert isinstance(double(3.0), int)
    assert isinstance(double(-0.0), float)
