"""The declarations of attributes: each complete in itself, and none that contradicts another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from json import dumps
from typing import get_args

from nearwise_rules.devices import meant_device_signal
from nearwise_rules.documents import Attribute, AttributeType, Json, Privacy, Source
from nearwise_rules.rulesets.conditions import PROVIDED
from nearwise_rules.rulesets.parts import Part, article, did_you_mean, field_names
from nearwise_rules.rulesets.purposes import check_attribute_purposes

_NUMERIC = ("integer", "number")


def attribute_types(attributes: Mapping[str, Part]) -> dict[str, str]:
    """The type of each attribute that declares one."""
    types = {name: part.get("type").value for name, part in attributes.items()}
    return {name: kind for name, kind in types.items() if isinstance(kind, str) and kind in get_args(AttributeType)}


def check_attributes(attributes: Mapping[str, Part]) -> None:
    """Report everything wrong with the declarations."""
    types = {**PROVIDED, **attribute_types(attributes)}
    for name, part in attributes.items():
        _check_attribute(part)
        _check_collector(name, part)
        if PROVIDED.get(name, types.get(name)) != types.get(name):
            part.problem("provided", f"'{name}' is always {article(PROVIDED[name])}", of_key=True)
        parents = [name[:at] for at, letter in enumerate(name) if letter == "." and name[:at] in types]
        for parent in (parent for parent in parents if types[parent] != "object"):
            message = f"'{parent}' is {article(types[parent])}, so nothing can be inside it"
            part.problem("inside_a_value", message, of_key=True)


def _check_attribute(part: Part) -> None:
    part.known_fields(field_names(Attribute))
    kind = part.get("type").choice(get_args(AttributeType))
    part.get("of").choice(get_args(AttributeType))
    part.get("source").choice(get_args(Source))
    part.get("privacy").choice(get_args(Privacy))
    check_attribute_purposes(part)
    if part.get("type").absent:
        part.problem("missing_field", "an attribute needs 'type'")
    if kind is None:
        return
    if not part.get("of").absent and kind != "list":
        message = f"'of' types the items of a list, and this is {article(kind)}"
        part.get("of").problem("only_lists", message, of_key=True)
    _check_range(part.get("range"), kind)
    values = part.get("values")
    for value in values.items() if not values.absent else ():
        if not is_of_declared_type(value.value, kind):
            value.problem("value_type", f"{value.value!r} is not {article(kind)}")


def _check_collector(name: str, part: Part) -> None:
    """A device signal that is called almost as one of the SDK's was to be that one, and would always be missing."""
    meant = meant_device_signal(name) if part.get("source").value == "device" else None
    if meant is not None:
        hint = f"did you mean '{meant}'? What the app collects under a name of its own has 'source: signal'"
        part.problem("unknown_collector", f"no device tells '{name}'; {hint}", of_key=True)


def _check_range(part: Part, kind: str) -> None:
    if part.absent:
        return
    if kind not in _NUMERIC:
        part.problem("range_type", f"a range needs numbers, and this is {article(kind)}", of_key=True)
        return
    bounds = [bound.value for bound in part.items()]
    numbers = [bound for bound in bounds if isinstance(bound, int | float) and not isinstance(bound, bool)]
    if len(bounds) != 2 or any(bound is not None and bound not in numbers for bound in bounds):
        part.problem("range", "a range is [lowest, highest]; null leaves a side open")
    elif len(numbers) == 2 and numbers[0] > numbers[1]:
        part.problem("range", f"the range ends ({numbers[1]}) before it begins ({numbers[0]})")


def check_declared_value(part: Part, name: str, attribute: Part) -> None:
    """Report a value that the attribute of this name cannot have by its declaration."""
    kind, values, value = attribute.get("type").value, attribute.get("values").value, part.value
    if not isinstance(kind, str):
        return
    if not is_of_declared_type(value, kind):
        part.problem("value_type", f"'{name}' is {article(kind)}, and {_shown(value)} is none")
    elif isinstance(values, list) and value not in values:
        guess = did_you_mean(str(value), [known for known in values if isinstance(known, str)])
        part.problem("unknown_value", f"'{name}' is never {_shown(value)}{guess}")
    elif isinstance(value, int | float) and not _is_in_range(value, attribute.get("range").value):
        bounds = attribute.get("range").value
        part.problem("out_of_range", f"'{name}' is never {_shown(value)}: its range is {_shown(bounds)}")


def _shown(value: Json) -> str:
    return dumps(value, ensure_ascii=False)


def _is_in_range(value: float, bounds: Json) -> bool:
    if not isinstance(bounds, list) or len(bounds) != 2:
        return True
    lowest, highest = bounds
    above = not isinstance(lowest, int | float) or value >= lowest
    return above and (not isinstance(highest, int | float) or value <= highest)


def is_of_declared_type(value: Json, kind: str) -> bool:
    """Whether a JSON value can be a value of an attribute of this type."""
    if kind == "datetime":
        return isinstance(value, str) and is_instant(value)
    kinds: dict[str, tuple[type, ...]] = {
        "boolean": (bool,),
        "string": (str,),
        "version": (str,),
        "integer": (int,),
        "number": (int, float),
        "list": (list,),
        "object": (dict,),
    }
    return isinstance(value, kinds.get(kind, (object,))) and (kind == "boolean" or not isinstance(value, bool))


def is_instant(text: str) -> bool:
    """Whether a text is an ISO 8601 date or time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
