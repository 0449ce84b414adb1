"""How a profile is written in YAML. docs/profiles.md describes it for users."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import EntityCategory
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..protocol.attributes import Attributes
from ..protocol.errors import BadRequest
from ..protocol.path import MAX_ID, Path
from ..units import MAX_LENGTH, stated_unit, suits_sensor
from .fitting import DEVICE_CLASSES
from .profile import ATTRIBUTES, CHANGES, Match, Pattern, Profile, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_NAME = 100
MAX_PRECISION = 10

_EVERYWHERE = frozenset({"enabled", "hidden", *ATTRIBUTES} - {*CHANGES})
"""What may be said of more than one resource."""


def _text(maximum: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise vol.Invalid("expected a text")
        if len(value) > maximum:
            raise vol.Invalid(f"expected a text of at most {maximum} characters")
        return value.strip()

    return check


def _expected(text: str, schema: Any) -> Callable[[Any], Any]:
    """Make a check say what it expects in words for people."""
    checked = vol.Schema(schema)

    def check(value: Any) -> Any:
        try:
            return checked(value)
        except vol.Invalid as err:
            raise vol.Invalid(f"expected {text}") from err

    return check


def _patterns(value: Any) -> tuple[str, ...]:
    check = _text(255)
    return tuple(check(item).casefold() for item in cv.ensure_list(value))


def _id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ID:
        raise vol.Invalid(f"expected an object ID from 0 to {MAX_ID}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise vol.Invalid("expected a number")
    return value


def _factor(value: Any) -> float:
    if not (factor := _number(value)):
        raise vol.Invalid("0 is no factor")
    return factor


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise vol.Invalid("expected a whole number of seconds")
    return value


def _device_class(value: Any) -> str | None:
    known = {str(each) for classes in DEVICE_CLASSES.values() for each in classes}
    if value is not None and value not in known:
        raise vol.Invalid(f"{value!r} is no device class")
    return None if value is None else str(value)


def _unit(value: Any) -> str | None:
    return None if value is None else stated_unit(_text(MAX_LENGTH)(value))


def _path(value: Any) -> Pattern:
    """Read `/3303/*/5700`, with or without the leading slash."""
    text = str(value).strip()
    segments = text.removeprefix("/").split("/")
    if not 1 <= len(segments) <= 3 or segments[0] == "*":
        raise vol.Invalid(f"{text!r} is no path such as /3303/0/5700, /3303/* or /3303")
    numbers: list[int | None] = []
    for segment in segments:
        if segment == "*":
            numbers.append(None)
        elif segment.isascii() and segment.isdecimal() and int(segment[:6]) <= MAX_ID:
            numbers.append(int(segment))
        else:
            raise vol.Invalid(f"{segment!r} in {text!r} is neither an ID nor *")
    return tuple(numbers)


_YES_OR_NO = _expected("true or false", cv.boolean)
_DECIMALS = _expected(
    f"a whole number from 0 to {MAX_PRECISION}",
    vol.All(vol.Coerce(int), vol.Range(0, MAX_PRECISION)),
)
_STATE_CLASS = _expected(
    f"{', '.join(SensorStateClass)} or null", vol.Any(None, vol.Coerce(SensorStateClass))
)
_ENTITY_CATEGORY = _expected(
    f"{', '.join(EntityCategory)} or null", vol.Any(None, vol.Coerce(EntityCategory))
)

_RULE = vol.Schema(
    {
        vol.Optional("name"): _text(MAX_NAME),
        vol.Optional("icon"): cv.icon,
        vol.Optional("device_class"): _device_class,
        vol.Optional("state_class"): _STATE_CLASS,
        vol.Optional("unit"): _unit,
        vol.Optional("entity_category"): _ENTITY_CATEGORY,
        vol.Optional("precision"): _DECIMALS,
        vol.Optional("factor"): _factor,
        vol.Optional("offset"): _number,
        vol.Optional("enabled"): _YES_OR_NO,
        vol.Optional("hidden"): _YES_OR_NO,
        vol.Optional("observe"): _YES_OR_NO,
        **{vol.Optional(name): _number if name in CHANGES else _seconds for name in ATTRIBUTES},
    }
)


def _rules(value: Any) -> tuple[Rule, ...]:
    """Read the rules, the closest ones last."""
    if not isinstance(value, dict):
        raise vol.Invalid("expected paths, each with what to say of it")
    rules: list[Rule] = []
    for text, content in value.items():
        try:
            rules.append(_rule(_path(text), content))
        except vol.Invalid as err:
            err.prepend([text])
            raise
    return tuple(sorted(rules, key=lambda rule: rule.rank))


def _rule(pattern: Pattern, content: Any) -> Rule:
    settings: Settings = _RULE(content)
    of_resource = len(pattern) == 3
    for key in settings:
        if key == "observe" and of_resource:
            raise vol.Invalid("is said of an object or an instance, such as /3303/0", [key])
        if key not in _EVERYWHERE | {"observe"} and not of_resource:
            raise vol.Invalid("is said of a resource, such as /3303/0/5700 or /3303/*/5700", [key])
    attributes: dict[str, Any] = {
        name: value for name, value in settings.items() if name in ATTRIBUTES
    }
    if attributes:
        try:
            Attributes(**attributes).check(Path(*(number or 0 for number in pattern)), None)
        except BadRequest as err:
            raise vol.Invalid(err.reason) from err
    _check_class(settings)
    if "name" in settings:
        settings["whole_name"] = pattern[1] is not None
    return Rule(pattern, settings)


def _check_class(settings: Settings) -> None:
    """Refuse a sensor's unit or state class that its device class does not have."""
    device_class = settings.get("device_class")
    if device_class not in set(SensorDeviceClass):
        return
    sensor_class = SensorDeviceClass(device_class)
    if "unit" in settings and not suits_sensor(settings["unit"], sensor_class):
        raise vol.Invalid(f"{device_class} has no unit {settings['unit']!r}", ["unit"])
    state_class = settings.get("state_class")
    if state_class and state_class not in DEVICE_CLASS_STATE_CLASSES.get(sensor_class, ()):
        raise vol.Invalid(f"{device_class} has no state class {state_class}", ["state_class"])


_PROFILE = vol.Schema(
    {
        vol.Required("match"): vol.All(
            vol.Schema(
                {
                    vol.Optional("endpoint"): _patterns,
                    vol.Optional("manufacturer"): _patterns,
                    vol.Optional("model"): _patterns,
                    vol.Optional("object"): vol.All(cv.ensure_list, [_id]),
                }
            ),
            vol.Length(min=1, msg="expected an endpoint, a manufacturer, a model or an object"),
        ),
        vol.Optional("queue", default=dict): vol.Schema(
            {
                vol.Optional("mode"): _YES_OR_NO,
                vol.Optional("awake_time"): _expected(
                    "a number of seconds from 1 to 3600",
                    vol.All(_number, vol.Range(min=1, max=3600)),
                ),
            }
        ),
        vol.Optional("resources", default=dict): _rules,
    }
)


def read_profile(name: str, content: Any) -> Profile:
    """Make a profile of a file's content; voluptuous.Invalid when it is none."""
    if content is None:
        raise vol.Invalid("the file is empty")
    data = _PROFILE(content)
    match, queue = data["match"], data["queue"]
    return Profile(
        name=name,
        match=Match(
            endpoint=match.get("endpoint", ()),
            manufacturer=match.get("manufacturer", ()),
            model=match.get("model", ()),
            objects=frozenset(match.get("object", ())),
        ),
        rules=data["resources"],
        queue_mode=queue.get("mode"),
        awake_time=queue.get("awake_time"),
    )


_WORDS: Mapping[type[vol.Invalid], str] = {
    vol.DictInvalid: "expected keys and their values, such as `name: Soil`",
    vol.RequiredFieldInvalid: "is missing",
}
"""What is said in place of the library's words."""


def reasons(error: vol.Invalid) -> Iterator[str]:
    """Say what is wrong, and where in the file."""
    for each in error.errors if isinstance(error, vol.MultipleInvalid) else (error,):
        yield ": ".join((*map(str, each.path), _WORDS.get(type(each), each.msg)))
