"""Every text that the code refers to exists, and needs only what the code gives."""

from __future__ import annotations

import errno
import json
from pathlib import Path as FilePath
import socket
from string import Formatter
from typing import TYPE_CHECKING, Any, get_args

from aiocoap import METHOD_NOT_ALLOWED, NOT_FOUND
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components import lwm2m
from custom_components.lwm2m.config_flow import (
    MORE_OPTIONS_SCHEMA,
    NEW_DEVICE_SCHEMA,
    SECTION_MORE_OPTIONS,
    SERVER_SCHEMA,
)
from custom_components.lwm2m.connection_settings import SDKS
from custom_components.lwm2m.const import CONF_ACCEPT_NEW_DEVICES, AcceptNewDevices
from custom_components.lwm2m.credentials import SecurityMode
from custom_components.lwm2m.device_flow import (
    CERTIFICATE_SCHEMA,
    DEVICE_SCHEMA,
    NAME_SCHEMA,
    PRE_SHARED_KEY_SCHEMA,
    RAW_PUBLIC_KEY_SCHEMA,
    SECURITY_SCHEMA,
    Trust,
)
from custom_components.lwm2m.errors import listen_failure, translate_errors
from custom_components.lwm2m.key_material import Fault
from custom_components.lwm2m.options_flow import IDENTITY_SCHEMA, NEW_DEVICES_SCHEMA
from custom_components.lwm2m.protocol.coap import PortInUseError
from custom_components.lwm2m.protocol.errors import (
    BadRequest,
    BadResponse,
    ClientAsleep,
    ClientError,
    ClientRefused,
    ClientTimeout,
    Mistake,
    NotConnected,
    NotRegistered,
    Operation,
    QueueFull,
    RegistrationEnded,
    Superseded,
    ValueMisfit,
)
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

    from homeassistant.core import HomeAssistant
    import voluptuous as vol

FOLDER = FilePath(lwm2m.__file__).parent
TEXTS = json.loads((FOLDER / "translations" / "en.json").read_text())
LANGUAGES = sorted(
    file.stem for file in (FOLDER / "translations").glob("*.json") if file.stem != "en"
)
DEVICE_STEPS = TEXTS["config_subentries"]["device"]["step"]
ICONS = json.loads((FOLDER / "icons.json").read_text())
ACTIONS = load_yaml_dict(str(FOLDER / "services.yaml"))
RESOURCE = Path(3303, 0, 5700)


@pytest.mark.parametrize(
    "error",
    [
        NotRegistered("board"),
        RegistrationEnded("board"),
        Superseded("board", RESOURCE),
        QueueFull("board", RESOURCE),
        ClientAsleep("board", RESOURCE),
        ClientTimeout("board", RESOURCE),
        NotConnected("board", RESOURCE),
        ClientRefused("board", RESOURCE, NOT_FOUND, ""),
        ClientRefused("board", RESOURCE, NOT_FOUND, "no such thing"),
        BadResponse("board", RESOURCE, "broken"),
        *(
            BadRequest(RESOURCE, mistake, other="", version="", attribute="", value="")
            for mistake in Mistake
        ),
        ValueMisfit(RESOURCE, "too large"),
        *(
            ClientRefused("board", RESOURCE, METHOD_NOT_ALLOWED, "", operation)
            for operation in get_args(Operation.__value__)
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_client_error_has_a_text(error: ClientError) -> None:
    with pytest.raises(HomeAssistantError) as raised, translate_errors("board", RESOURCE):
        raise error
    message = TEXTS["exceptions"][raised.value.translation_key]["message"]
    assert message.format(**raised.value.translation_placeholders or {})


SERVERS_FAULTS = {
    Fault.INVALID_PRIVATE_KEY,
    Fault.HAS_PASSWORD,
    Fault.IS_CERTIFICATE,
    Fault.KEY_OF_ANOTHER,
}
"""Those of the form for the server's certificate and its key alone."""
DEVICES_FAULTS = {
    Fault.INVALID_KEY,
    Fault.NEARLY_HEXADECIMAL,
    Fault.WEAK_KEY,
    Fault.INVALID_PUBLIC_KEY,
    Fault.NO_AUTHORITY,
    Fault.KEY_OF_AUTHORITY,
}
"""Those of the forms for devices alone."""


@pytest.mark.parametrize("fault", Fault)
def test_fault_of_what_was_pasted_has_texts(fault: Fault) -> None:
    of_devices = TEXTS["config_subentries"]["device"]["error"]
    of_server = TEXTS["options"]["error"]
    assert (fault in of_devices, fault in of_server) == (
        fault not in SERVERS_FAULTS,
        fault not in DEVICES_FAULTS,
    )


@pytest.mark.parametrize("shelly", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        PortInUseError("UDP", 5683),
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.EADDRNOTAVAIL, "not available"),
        socket.gaierror(socket.EAI_NONAME, "unknown"),
        OSError(errno.ENFILE, "too many files"),
    ],
    ids=repr,
)
def test_listen_failure_has_texts(hass: HomeAssistant, error: OSError, shelly: bool) -> None:
    if shelly:
        hass.config.components.add("shelly")
    key = listen_failure(hass, error)
    placeholders = {
        "name": "Greenhouse",
        "carrier": "UDP",
        "port": "5683",
        "scheme": "coap",
        "error": "denied",
    }
    assert TEXTS["config"]["error"][key]
    assert TEXTS["exceptions"][key]["message"].format(**placeholders)
    if isinstance(error, PortInUseError):
        assert TEXTS["issues"][key]["title"].format(**placeholders)
        assert TEXTS["issues"][key]["description"].format(**placeholders)


@pytest.mark.parametrize(
    ("schema", "step"),
    [
        (SERVER_SCHEMA, TEXTS["config"]["step"]["user"]),
        (SERVER_SCHEMA, TEXTS["config"]["step"]["reconfigure"]),
        (MORE_OPTIONS_SCHEMA, TEXTS["config"]["step"]["user"]["sections"]["more_options"]),
        (MORE_OPTIONS_SCHEMA, TEXTS["config"]["step"]["reconfigure"]["sections"]["more_options"]),
        (NEW_DEVICE_SCHEMA, TEXTS["config"]["step"]["confirm"]),
        (NEW_DEVICES_SCHEMA, TEXTS["options"]["step"]["new_devices"]),
        (IDENTITY_SCHEMA, TEXTS["options"]["step"]["import_identity"]),
        (DEVICE_SCHEMA, DEVICE_STEPS["user"]),
        (NAME_SCHEMA, DEVICE_STEPS["name"]),
        (SECURITY_SCHEMA, DEVICE_STEPS["security"]),
        (PRE_SHARED_KEY_SCHEMA, DEVICE_STEPS["pre_shared_key"]),
        (RAW_PUBLIC_KEY_SCHEMA, DEVICE_STEPS["raw_public_key"]),
        (CERTIFICATE_SCHEMA, DEVICE_STEPS["certificate"]),
    ],
)
def test_fields_of_a_form_are_described(
    schema: vol.Schema, step: dict[str, dict[str, str]]
) -> None:
    fields = set(map(str, schema.schema)) - {SECTION_MORE_OPTIONS}
    assert step["data"].keys() == step["data_description"].keys() == fields


@pytest.mark.parametrize(
    ("selector", "choices"),
    [
        (CONF_ACCEPT_NEW_DEVICES, AcceptNewDevices),
        ("security_mode", SecurityMode),
        ("certificate_trust", Trust),
    ],
)
def test_choices_have_names(selector: str, choices: type[StrEnum]) -> None:
    assert TEXTS["selector"][selector]["options"].keys() == set(choices)


@pytest.mark.parametrize("mode", SecurityMode)
def test_settings_of_a_mode_are_offered_for_its_sdks(mode: SecurityMode) -> None:
    options = DEVICE_STEPS[f"settings_{mode}"]["menu_options"]
    assert options.keys() - {"save", "done", "qr_code"} == set(SDKS[mode])


@pytest.mark.parametrize("mode", [SecurityMode.RAW_PUBLIC_KEY, SecurityMode.CERTIFICATE])
def test_page_with_a_private_key_offers_the_same(mode: SecurityMode) -> None:
    page, made = (DEVICE_STEPS[f"settings_{mode}{key}"]["menu_options"] for key in ("", "_made"))
    assert made == {name: text for name, text in page.items() if name != "done"}


@pytest.mark.parametrize("mode", [SecurityMode.RAW_PUBLIC_KEY, SecurityMode.CERTIFICATE])
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_page_with_a_private_key_says_that_it_has_to_be_saved(
    language: str, mode: SecurityMode
) -> None:
    texts = json.loads((FOLDER / "translations" / f"{language}.json").read_text())
    step = texts["config_subentries"]["device"]["step"][f"settings_{mode}_made"]
    assert f"*{step['menu_options']['save']}*" in step["description"]


@pytest.mark.parametrize("mode", SecurityMode)
def test_page_without_one_says_so_where_it_is_saved(mode: SecurityMode) -> None:
    assert DEVICE_STEPS[f"settings_{mode}"]["menu_option_descriptions"].keys() == {"save"}


@pytest.mark.parametrize("action", ACTIONS)
def test_action_is_described(action: str) -> None:
    assert TEXTS["services"][action]["fields"].keys() == ACTIONS[action]["fields"].keys()


def test_actions_have_icons() -> None:
    assert ICONS["services"].keys() == ACTIONS.keys()


def test_names_with_a_label_need_no_more_than_the_name_without() -> None:
    for texts in TEXTS["entity"].values():
        for key in (key for key in texts if key.endswith("_labelled")):
            plain = texts[key.removesuffix("_labelled")]["name"]
            assert _fields(texts[key]["name"]) == _fields(plain) | {"label"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_has_each_text_with_its_placeholders(language: str) -> None:
    texts = json.loads((FOLDER / "translations" / f"{language}.json").read_text())

    translated = {key: _fields(text) for key, text in _leaves(texts)}

    assert translated == {key: _fields(text) for key, text in _leaves(TEXTS)}


def _leaves(texts: dict[str, Any], *above: str) -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from _leaves(value, *above, key)
        else:
            yield ".".join((*above, key)), value


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}
