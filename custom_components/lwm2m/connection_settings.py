"""What a device has to be told so that it can connect, in the forms that its SDK takes.

- Zephyr, sample `lwm2m_client`: Kconfig; certificates as PEM in resources of object 0.
- Anjay, demo client: command line, identity and key in hexadecimal digits, files in DER.
- Wakaama, example client on tinydtls: command line; no public keys.
- Leshan, demo client: command line, key in hexadecimal digits, files in DER.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
import json
from shlex import quote
from typing import TYPE_CHECKING

from .credentials import SecurityMode, mode_of
from .key_material import pem
from .protocol.dtls import CertificateUsage
from .protocol.security import Certificate, PreSharedKey, RawPublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .protocol.coap import Scheme
    from .protocol.dtls import ServerIdentity
    from .protocol.security import Credential


class Sdk(StrEnum):
    """The SDKs whose form of the settings is known."""

    ZEPHYR = "zephyr"
    ANJAY = "anjay"
    WAKAAMA = "wakaama"
    LESHAN = "leshan"


SDKS = {
    SecurityMode.NONE: tuple(Sdk),
    SecurityMode.PRE_SHARED_KEY: tuple(Sdk),
    SecurityMode.RAW_PUBLIC_KEY: (Sdk.LESHAN,),
    SecurityMode.CERTIFICATE: (Sdk.ZEPHYR, Sdk.ANJAY, Sdk.LESHAN),
}
"""The SDKs whose sample or demo client knows a mode."""
_UDP_ALONE = {(sdk, mode) for sdk in (Sdk.ZEPHYR, Sdk.WAKAAMA) for mode in SecurityMode} | {
    (Sdk.LESHAN, SecurityMode.PRE_SHARED_KEY)  # which Java's TLS does not know
}
"""Those that don't connect over TCP."""

DEVICE_CERTIFICATE = "device-certificate.der"
DEVICE_KEY = "device-key.der"
DEVICE_PUBLIC_KEY = "device-public-key.der"
SERVER_CERTIFICATE = "server-certificate.der"
SERVER_PUBLIC_KEY = "server-public-key.der"
MAX_QR_CODE = 1370
"""Bytes: what a code of version 30, 137 modules wide, holds with medium error correction
(ISO/IEC 18004, table 7). Two certificates that are made here fit."""
_YOURS = {3: "YOUR_CERTIFICATE_IN_PEM", 5: "YOUR_PRIVATE_KEY_IN_PEM"}
"""What stands for what only the device's owner has, in a resource of object 0."""
_OWN = {
    CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT,
    CertificateUsage.DOMAIN_ISSUED_CERTIFICATE,
}
"""The usages in which the certificate held is the device's own."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The settings of one device.

    `private_key` is the device's own (PKCS #8), where it has just been made here.
    """

    endpoint: str
    scheme: Scheme
    host: str
    port: int
    server: ServerIdentity
    credential: Credential | None
    private_key: bytes | None = field(default=None, repr=False)

    @property
    def mode(self) -> SecurityMode:
        """How the device is secured."""
        return mode_of(self.credential)

    @property
    def sdks(self) -> tuple[Sdk, ...]:
        """The SDKs whose sample or demo client connects so."""
        return tuple(
            sdk
            for sdk in SDKS[self.mode]
            if self.scheme.carrier == "UDP" or (sdk, self.mode) not in _UDP_ALONE
        )

    @property
    def uri(self) -> str:
        """The server's URI."""
        return f"{self.scheme}://{f'[{self.host}]' if self._ipv6 else self.host}:{self.port}"

    @property
    def placeholders(self) -> dict[str, str]:
        """The values one by one, in text; a dash for what is not known here."""
        values = {
            "endpoint": self.endpoint,
            "server": self.uri,
            "server_public_key": _base64(self.server.public_key),
            "server_certificate": pem("CERTIFICATE", self._server_certificate),
        }
        if self.private_key:
            values["device_key"] = pem("PRIVATE KEY", self.private_key)
        match self.credential:
            case PreSharedKey(identity=identity, key=key):
                values["identity"] = _text(identity)
                values["key_hex"] = key.hex()
                values["key_base64"] = _base64(key)
            case RawPublicKey(public_key=public_key):
                values["device_public_key"] = _base64(public_key)
            case Certificate():
                own = self._device_certificate
                values["device_certificate"] = pem("CERTIFICATE", own) if own else "-"
        return values

    @property
    def qr_code(self) -> str | None:
        """What a QR code says, as JSON with DER in Base64; None where that is too long for one."""
        said = {"endpoint": self.endpoint, "server": self.uri}
        match self.credential:
            case PreSharedKey(identity=identity, key=key):
                said |= {"identity": _text(identity), "key_hex": key.hex()}
            case RawPublicKey(public_key=public_key):
                said["device_public_key"] = _base64(public_key)
                said["server_public_key"] = _base64(self.server.public_key)
            case Certificate():
                if own := self._device_certificate:
                    said["device_certificate"] = _base64(own)
                said["server_certificate"] = _base64(self._server_certificate)
        if self.private_key:
            said["device_key"] = _base64(self.private_key)
        text = json.dumps(said, ensure_ascii=False)
        return text if len(text.encode()) <= MAX_QR_CODE else None

    def of(self, sdk: Sdk) -> str:
        """Return the settings as an SDK takes them: a file, code or commands."""
        match sdk:
            case Sdk.ZEPHYR:
                return self._zephyr()
            case Sdk.ANJAY:
                return self._anjay()
            case Sdk.WAKAAMA:
                return self._wakaama()
            case Sdk.LESHAN:
                return self._leshan()

    def _zephyr(self) -> str:
        settings = {"SERVER": self.uri, "ID": self.endpoint}
        overlay = ""
        resources: dict[int, str | None] = {}
        match self.credential:
            case PreSharedKey(identity=identity, key=key):
                settings["PSK"] = key.hex()
                overlay = "overlay-dtls.conf;"
                if identity != self.endpoint.encode():  # the sample has one name for both
                    resources[3] = _text(identity)
            case Certificate():
                overlay = "overlay-dtls-cert.conf;"
                own, own_key = self._device_certificate, self.private_key
                resources = {
                    3: pem("CERTIFICATE", own) if own else None,
                    4: pem("CERTIFICATE", self._server_certificate),
                    5: pem("PRIVATE KEY", own_key) if own_key else None,
                }
        code = [
            f"lwm2m_set_string(&LWM2M_OBJ(0, 0, {resource}), {_c_string(text, resource)});"
            for resource, text in resources.items()
        ]
        if isinstance(self.credential, Certificate):
            code.insert(0, "lwm2m_set_u8(&LWM2M_OBJ(0, 0, 2), LWM2M_SECURITY_CERT);")
        return "\n".join(
            (
                "# homeassistant.conf",
                *(
                    f"CONFIG_NET_SAMPLE_LWM2M_{name}={json.dumps(text, ensure_ascii=False)}"
                    for name, text in settings.items()
                ),
                "CONFIG_NET_DHCPV4=y",
                "",
                "# Build",
                "west build -b YOUR_BOARD samples/net/lwm2m_client -- \\",
                f'  -DEXTRA_CONF_FILE="{overlay}homeassistant.conf"',
                *(("", "// src/lwm2m-client.c, at the end of lwm2m_setup()") if code else ()),
                *code,
            )
        )

    def _anjay(self) -> str:
        options = [f"--endpoint-name {quote(self.endpoint)}", f"--server-uri {self.uri}"]
        match self.credential:
            case PreSharedKey(identity=identity, key=key):
                options += [
                    "--security-mode psk",
                    f"--identity {identity.hex()}",
                    f"--key {key.hex()}",
                ]
            case Certificate():
                options += [
                    "--security-mode cert",
                    f"--client-cert-file {DEVICE_CERTIFICATE}",
                    f"--key-file {DEVICE_KEY}",
                    f"--server-public-key-file {SERVER_CERTIFICATE}",
                ]
        return _commands(self._files, "./output/bin/demo", options)

    def _wakaama(self) -> str:
        program = "./lwm2mclient"
        options = [f"-n {quote(self.endpoint)}", f"-h {self.host}", f"-p {self.port}"]
        if not self._ipv6:
            options.insert(0, "-4")
        if isinstance(self.credential, PreSharedKey):
            program = "./lwm2mclient_tinydtls"
            identity = quote(_text(self.credential.identity))
            options += [f"-i {identity}", f"-s {self.credential.key.hex()}"]
        return _commands({}, program, options)

    def _leshan(self) -> str:
        options = [f"-n {quote(self.endpoint)}", f"-u {self.uri}"]
        match self.credential:
            case PreSharedKey(identity=identity, key=key):
                options += [f"-i {quote(_text(identity))}", f"-p {key.hex()}"]
            case RawPublicKey():
                options += [
                    f"-cpubk {DEVICE_PUBLIC_KEY}",
                    f"-cprik {DEVICE_KEY}",
                    f"-spubk {SERVER_PUBLIC_KEY}",
                ]
            case Certificate():
                options += [
                    f"-ccert {DEVICE_CERTIFICATE}",
                    f"-cprik {DEVICE_KEY}",
                    f"-scert {SERVER_CERTIFICATE}",
                    "-cu 3",
                ]
        jar = "java -jar leshan-demo-client-*-jar-with-dependencies.jar"
        return _commands(self._files, jar, options)

    @property
    def _files(self) -> Mapping[str, bytes | None]:
        """The files in DER; without content those that only the device's owner has."""
        match self.credential:
            case RawPublicKey(public_key=public_key):
                return {
                    DEVICE_PUBLIC_KEY: public_key,
                    DEVICE_KEY: self.private_key,
                    SERVER_PUBLIC_KEY: self.server.public_key,
                }
            case Certificate():
                return {
                    DEVICE_CERTIFICATE: self._device_certificate,
                    DEVICE_KEY: self.private_key,
                    SERVER_CERTIFICATE: self._server_certificate,
                }
            case _:
                return {}

    @property
    def _device_certificate(self) -> bytes | None:
        match self.credential:
            case Certificate(trust=trust) if trust.usage in _OWN:
                return trust.certificate
            case _:
                return None

    @property
    def _server_certificate(self) -> bytes:
        return self.server.chain[0]

    @property
    def _ipv6(self) -> bool:
        try:
            return isinstance(ip_address(self.host), IPv6Address)
        except ValueError:
            return False


def _commands(files: Mapping[str, bytes | None], program: str, options: list[str]) -> str:
    """Write the files, then run the program."""
    written = [f"echo {_base64(data)} | base64 -d > {name}" for name, data in files.items() if data]
    return "\n".join((*written, " \\\n  ".join((program, *options))))


def _c_string(text: str | None, resource: int) -> str:
    """Write a string in C; what only the owner has is left to be put there, in PEM."""
    return json.dumps(text) if text else _YOURS[resource]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(identity: bytes) -> str:
    return identity.decode(errors="backslashreplace")
