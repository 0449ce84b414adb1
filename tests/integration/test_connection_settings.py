"""What a device is told so that it can connect, as each SDK takes it."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.lwm2m.connection_settings import SDKS, ConnectionSettings, Sdk
from custom_components.lwm2m.key_material import (
    make_certificate,
    make_private_key,
    private_der,
    public_der,
    read_certificates,
    read_private_key,
)
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.security import Certificate, PreSharedKey, RawPublicKey

if TYPE_CHECKING:
    from pathlib import Path

SERVER_KEY = make_private_key()
SERVER = ServerIdentity(SERVER_KEY, (make_certificate(SERVER_KEY, "Greenhouse"),))
DEVICE_KEY = make_private_key()
DEVICE_PUBLIC_KEY = public_der(DEVICE_KEY.public_key())
DEVICE_CERTIFICATE = make_certificate(DEVICE_KEY, "kitchen-board")
KEY = bytes(range(16))
PSK = PreSharedKey(b"kitchen-board", KEY)
RPK = RawPublicKey(DEVICE_PUBLIC_KEY)
X509 = Certificate(CertificateTrust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, DEVICE_CERTIFICATE))


def settings(credential: Any, **changes: Any) -> ConnectionSettings:
    """Return the settings of a board."""
    values: dict[str, Any] = {
        "endpoint": "kitchen-board",
        "scheme": Scheme.COAPS if credential else Scheme.COAP,
        "host": "192.168.1.10",
        "port": 5684,
        "server": SERVER,
        "private_key": private_der(DEVICE_KEY) if credential in (RPK, X509) else None,
    }
    return ConnectionSettings(credential=credential, **values | changes)


def options(command: str) -> dict[str, str]:
    """Return the options of the last command of a script, each with its value."""
    words = shlex.split(command.rpartition("> ")[2].replace("\\\n", ""))
    found = {}
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        if word.startswith("-"):
            found[word] = "" if following.startswith("-") else following
    return found


def test_uri_of_a_secured_device() -> None:
    assert settings(PSK).uri == "coaps://192.168.1.10:5684"


def test_uri_of_a_plain_device() -> None:
    assert settings(None, port=5683).uri == "coap://192.168.1.10:5683"


def test_ipv6_address_stands_in_brackets() -> None:
    assert settings(PSK, host="fd00::1").uri == "coaps://[fd00::1]:5684"


def test_key_is_shown_in_both_forms() -> None:
    values = settings(PSK).placeholders
    assert bytes.fromhex(values["key_hex"]) == base64.b64decode(values["key_base64"]) == KEY


def test_keys_are_in_no_repr() -> None:
    shown = repr(settings(RPK)) + repr(settings(PSK))
    assert repr(KEY) not in shown
    assert repr(private_der(DEVICE_KEY)) not in shown


# QR code


def test_qr_code_of_a_pre_shared_key() -> None:
    assert json.loads(settings(PSK).qr_code or "") == {
        "endpoint": "kitchen-board",
        "server": "coaps://192.168.1.10:5684",
        "identity": "kitchen-board",
        "key_hex": KEY.hex(),
    }


def test_qr_code_of_a_raw_public_key() -> None:
    said = json.loads(settings(RPK).qr_code or "")
    assert base64.b64decode(said["device_key"]) == private_der(DEVICE_KEY)
    assert base64.b64decode(said["server_public_key"]) == SERVER.public_key


def test_qr_code_of_a_certificate() -> None:
    said = json.loads(settings(X509).qr_code or "")
    assert base64.b64decode(said["device_certificate"]) == DEVICE_CERTIFICATE
    assert base64.b64decode(said["device_key"]) == private_der(DEVICE_KEY)
    assert base64.b64decode(said["server_certificate"]) == SERVER.chain[0]


def test_what_is_too_long_for_a_qr_code_is_in_none() -> None:
    certificate = make_certificate(SERVER_KEY, "Greenhouse", [f"{n}.example" for n in range(100)])
    assert settings(X509, server=ServerIdentity(SERVER_KEY, (certificate,))).qr_code is None


# SDKs


def test_zephyr_pre_shared_key() -> None:
    text = settings(PSK).of(Sdk.ZEPHYR)
    assert 'CONFIG_NET_SAMPLE_LWM2M_SERVER="coaps://192.168.1.10:5684"' in text
    assert 'CONFIG_NET_SAMPLE_LWM2M_ID="kitchen-board"' in text
    assert f'CONFIG_NET_SAMPLE_LWM2M_PSK="{KEY.hex()}"' in text
    assert "overlay-dtls.conf;homeassistant.conf" in text
    assert "LWM2M_OBJ" not in text


def test_zephyr_identity_other_than_the_endpoint_is_code() -> None:
    text = settings(PreSharedKey(b'the "board"', KEY)).of(Sdk.ZEPHYR)
    assert r'lwm2m_set_string(&LWM2M_OBJ(0, 0, 3), "the \"board\"");' in text


def test_zephyr_takes_no_file_for_what_only_the_owner_has() -> None:
    anchor = CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, X509.trust.certificate)
    text = settings(Certificate(anchor), private_key=None).of(Sdk.ZEPHYR)
    assert "(0, 0, 3), YOUR_CERTIFICATE_IN_PEM);" in text
    assert "(0, 0, 5), YOUR_PRIVATE_KEY_IN_PEM);" in text


def test_zephyr_certificates_are_c_strings() -> None:
    text = settings(X509).of(Sdk.ZEPHYR)
    strings = {
        int(resource): json.loads(literal)
        for resource, literal in re.findall(
            r"lwm2m_set_string\(&LWM2M_OBJ\(0, 0, (\d)\), (.*)\);", text
        )
    }
    assert read_certificates(strings[3]) == (DEVICE_CERTIFICATE,)
    assert read_certificates(strings[4]) == SERVER.chain
    assert private_der(read_private_key(strings[5])) == private_der(DEVICE_KEY)


def test_anjay_pre_shared_key_is_in_digits() -> None:
    found = options(settings(PSK).of(Sdk.ANJAY))
    assert found == {
        "--endpoint-name": "kitchen-board",
        "--server-uri": "coaps://192.168.1.10:5684",
        "--security-mode": "psk",
        "--identity": b"kitchen-board".hex(),
        "--key": KEY.hex(),
    }


def test_wakaama_pre_shared_key() -> None:
    found = options(settings(PSK).of(Sdk.WAKAAMA))
    assert found == {
        "-4": "",
        "-n": "kitchen-board",
        "-h": "192.168.1.10",
        "-p": "5684",
        "-i": "kitchen-board",
        "-s": KEY.hex(),
    }


def test_wakaama_over_ipv6() -> None:
    assert "-4" not in options(settings(PSK, host="fd00::1").of(Sdk.WAKAAMA))


def test_leshan_pre_shared_key() -> None:
    found = options(settings(PSK).of(Sdk.LESHAN))
    assert (found["-i"], found["-p"]) == ("kitchen-board", KEY.hex())


@pytest.mark.parametrize("sdk", Sdk)
def test_name_cannot_leave_its_quotes(sdk: Sdk) -> None:
    name = "a'; touch /tmp/x; \"$(id)"
    text = settings(PSK, endpoint=name).of(sdk)
    if sdk is Sdk.ZEPHYR:
        assert f"ID={json.dumps(name)}" in text
    else:
        assert name in options(text).values()


@pytest.mark.parametrize(
    ("sdk", "credential", "files"),
    [
        (
            Sdk.LESHAN,
            RPK,
            {
                "-cpubk": DEVICE_PUBLIC_KEY,
                "-cprik": private_der(DEVICE_KEY),
                "-spubk": SERVER.public_key,
            },
        ),
        (
            Sdk.LESHAN,
            X509,
            {
                "-ccert": DEVICE_CERTIFICATE,
                "-cprik": private_der(DEVICE_KEY),
                "-scert": SERVER.chain[0],
            },
        ),
        (
            Sdk.ANJAY,
            X509,
            {
                "--client-cert-file": DEVICE_CERTIFICATE,
                "--key-file": private_der(DEVICE_KEY),
                "--server-public-key-file": SERVER.chain[0],
            },
        ),
    ],
)
def test_commands_write_the_files_that_they_name(
    tmp_path: Path, sdk: Sdk, credential: Any, files: dict[str, bytes]
) -> None:
    script = settings(credential).of(sdk)
    writing = "\n".join(line for line in script.splitlines() if line.startswith("echo "))
    subprocess.run(["/bin/sh", "-ec", writing], cwd=tmp_path, check=True)
    named = options(script)
    assert {option: (tmp_path / named[option]).read_bytes() for option in files} == files


def test_key_that_only_the_owner_has_is_not_written() -> None:
    script = settings(RPK, private_key=None).of(Sdk.LESHAN)
    assert "> device-key.der" not in script
    assert "-cprik device-key.der" in script


@pytest.mark.parametrize(
    ("credential", "scheme", "sdks"),
    [
        (None, Scheme.COAP_TCP, (Sdk.ANJAY, Sdk.LESHAN)),
        (PSK, Scheme.COAPS_TCP, (Sdk.ANJAY,)),
        (X509, Scheme.COAPS_TCP, (Sdk.ANJAY, Sdk.LESHAN)),
        (X509, Scheme.COAPS, (Sdk.ZEPHYR, Sdk.ANJAY, Sdk.LESHAN)),
    ],
)
def test_an_sdk_is_shown_where_it_can_connect(
    credential: Any, scheme: Scheme, sdks: tuple[Sdk, ...]
) -> None:
    assert settings(credential, scheme=scheme).sdks == sdks


def test_every_mode_can_be_shown_for_its_sdks() -> None:
    for credential in (None, PSK, RPK, X509):
        shown = settings(credential)
        for sdk in SDKS[shown.mode]:
            assert "kitchen-board" in shown.of(sdk)
