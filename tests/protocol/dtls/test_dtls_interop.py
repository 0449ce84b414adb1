"""OpenSSL, GnuTLS, Mbed TLS, libcoap and Californium's Scandium against the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    Closed,
    CloseReason,
    Established,
    Moved,
    PskIdentity,
    RawPublicKeyIdentity,
    Received,
    Refusal,
    Refused,
)
from custom_components.lwm2m.protocol.dtls.handshake import Handshake
from tests import maven

from . import peers
from .parties import KEY, Keyring, authority, device, server_party, stranger
from .peers import running
from .udp_server import UdpServer, udp_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.interop

IDENTITY = "board-1"
TEXT_KEY = b"secretPSK"


def needs(reason: str | None) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(reason), reason=reason or "")


needs_openssl = needs(peers.missing("openssl"))
needs_gnutls = needs(peers.missing("gnutls-cli"))
needs_mbedtls = needs(peers.missing_mbedtls())
needs_scandium = needs(peers.missing("java", "mvn"))

type Files = dict[str, dict[str, str]]


@pytest.fixture
async def server(keyring: Keyring, socket_enabled: None) -> AsyncIterator[UdpServer]:
    keyring.psks = {IDENTITY.encode(): KEY, b"libcoap": TEXT_KEY}
    async with udp_server(keyring) as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> Files:
    parties = {
        "device": device(),
        "authority": authority(),
        "server": server_party(),
        "stranger": stranger(),
    }
    return {name: peers.write_keys(tmp_path, name, party) for name, party in parties.items()}


async def echoed(server: UdpServer, peer: peers.Peer) -> Established:
    """Send a line, and have it echoed."""
    peer.say("hello")
    await peer.hears("echo hello")
    return await server.event(Established)


@pytest.fixture
def key_log(tmp_path: Path) -> Path:
    """Where a peer is to write its secrets."""
    return tmp_path / "secrets"


@pytest.fixture
def master_secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The server's, by the client's random."""
    found = {}
    make_channel = Handshake._make_channel

    def note(handshake: Handshake) -> None:
        found[handshake.client_random.hex()] = handshake._master.hex()
        make_channel(handshake)

    monkeypatch.setattr(Handshake, "_make_channel", note)
    return found


def logged(key_log: Path) -> dict[str, str]:
    """Return a peer's master secrets by its random (RFC 9850)."""
    lines = (line.split() for line in key_log.read_text().splitlines())
    return {line[1]: line[2] for line in lines if line[0] == "CLIENT_RANDOM"}


# OpenSSL


def s_client(server: UdpServer, *options: str) -> tuple[str, ...]:
    connect = f"127.0.0.1:{server.port}"
    return ("openssl", "s_client", "-dtls1_2", "-connect", connect, *options)


def psk_options(cipher: str, identity: str = IDENTITY, key: bytes = KEY) -> tuple[str, ...]:
    # Since OpenSSL 3.0 CCM_8 is below the default security level.
    return ("-psk", key.hex(), "-psk_identity", identity, "-cipher", f"{cipher}:@SECLEVEL=0")


def certificate_options(files: Files, cipher: str, name: str = "device") -> tuple[str, ...]:
    own = ("-cert", files[name]["crt.pem"], "-key", files[name]["key.pem"])
    anchor = ("-CAfile", files["authority"]["crt.pem"], "-verify_return_error")
    return (*own, *anchor, "-cipher", f"{cipher}:@SECLEVEL=0")


@needs_openssl
@pytest.mark.parametrize(
    "cipher",
    ["PSK-AES128-CCM8", "PSK-AES128-CCM", "PSK-AES128-GCM-SHA256", "PSK-AES128-CBC-SHA256"],
)
@pytest.mark.parametrize("options", [(), ("-no_etm",)], ids=["", "no encrypt-then-MAC"])
async def test_openssl_with_psk(server: UdpServer, cipher: str, options: tuple[str, ...]) -> None:
    async with running(*s_client(server, *psk_options(cipher), *options)) as peer:
        established = await echoed(server, peer)
    assert established.connection.identity == PskIdentity(IDENTITY.encode())
    assert (await server.event(Closed)).reason is CloseReason.PEER_CLOSED
    assert server.dtls.counters.retransmissions == 0


@needs_openssl
@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-CCM8",
        "ECDHE-ECDSA-AES128-CCM",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
    ],
)
@pytest.mark.parametrize("curve", ["P-256", "X25519:P-256"])
async def test_openssl_with_certificates(
    server: UdpServer, files: Files, cipher: str, curve: str
) -> None:
    options = (*certificate_options(files, cipher), "-curves", curve)
    async with running(*s_client(server, *options)) as peer:
        established = await echoed(server, peer)
    assert established.connection.identity == CertificateIdentity(device().der)


@needs_openssl
async def test_openssl_resumes(server: UdpServer, tmp_path: Path) -> None:
    session = str(tmp_path / "session")
    options = psk_options("PSK-AES128-CCM8")
    async with running(*s_client(server, *options, "-sess_out", session)) as peer:
        await echoed(server, peer)
    async with running(*s_client(server, *options, "-sess_in", session)) as peer:
        established = await echoed(server, peer)
    assert "Reused" in peer.said
    assert established.connection.resumed


@needs_openssl
async def test_openssl_does_not_resume_what_is_revoked(server: UdpServer, tmp_path: Path) -> None:
    session = str(tmp_path / "session")
    options = psk_options("PSK-AES128-CCM8")
    async with running(*s_client(server, *options, "-sess_out", session)) as peer:
        await echoed(server, peer)
    server.dtls.revoke(lambda identity: True)
    async with running(*s_client(server, *options, "-sess_in", session)) as peer:
        established = await echoed(server, peer)
    assert not established.connection.resumed


@needs_openssl
@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (psk_options("PSK-AES128-CCM8", key=b"wrong"), Refusal.WRONG_KEY),
        (psk_options("PSK-AES128-CCM8", identity="nobody"), Refusal.UNKNOWN_IDENTITY),
    ],
    ids=["wrong key", "unknown identity"],
)
async def test_openssl_hears_why_it_is_refused(
    server: UdpServer, options: tuple[str, ...], refusal: Refusal
) -> None:
    async with running(*s_client(server, *options)) as peer:
        await peer.hears("alert decrypt error")
        assert (await server.event(Refused)).refusal is refusal


@needs_openssl
async def test_openssl_of_a_stranger_is_refused(server: UdpServer, files: Files) -> None:
    options = certificate_options(files, "ECDHE-ECDSA-AES128-CCM8", "stranger")
    async with running(*s_client(server, *options)) as peer:
        await peer.hears("alert unknown ca")
        assert (await server.event(Refused)).refusal is Refusal.UNTRUSTED_CERTIFICATE


@needs_openssl
async def test_openssl_may_not_renegotiate(server: UdpServer) -> None:
    async with running(*s_client(server, *psk_options("PSK-AES128-CCM8"))) as peer:
        await echoed(server, peer)
        peer.say("R")
        await peer.hears("no renegotiation")
    assert server.dtls.counters.renegotiations == 1


NO_EXTENDED_MASTER_SECRET = """\
openssl_conf = openssl
[openssl]
ssl_conf = ssl
[ssl]
system_default = options
[options]
Options = -ExtendedMasterSecret
"""


@needs_openssl
@pytest.mark.parametrize("extended", [True, False], ids=["extended", "not extended"])
@pytest.mark.parametrize("exchange", ["PSK", "P-256", "X25519:P-256"])
async def test_master_secret_is_openssls(
    server: UdpServer,
    files: Files,
    tmp_path: Path,
    key_log: Path,
    master_secrets: dict[str, str],
    exchange: str,
    extended: bool,
) -> None:
    if exchange == "PSK":
        options = psk_options("PSK-AES128-CCM8")
    else:
        options = (*certificate_options(files, "ECDHE-ECDSA-AES128-CCM8"), "-curves", exchange)
    (tmp_path / "openssl.cnf").write_text("" if extended else NO_EXTENDED_MASTER_SECRET)
    command = ("env", f"OPENSSL_CONF={tmp_path / 'openssl.cnf'}", *s_client(server, *options))
    async with running(*command, "-keylogfile", str(key_log)) as peer:
        established = await echoed(server, peer)
    assert bool(established.connection.session_id) is extended
    assert master_secrets == logged(key_log)


# GnuTLS


def gnutls_cli(server: UdpServer, *options: str) -> tuple[str, ...]:
    port = str(server.port)
    return ("gnutls-cli", "--udp", "--insecure", "-p", port, *options, "127.0.0.1")


DTLS_1_2 = "NORMAL:-VERS-ALL:+VERS-DTLS1.2"


@needs_gnutls
async def test_gnutls_with_raw_public_keys_both_ways(server: UdpServer, files: Files) -> None:
    own = files["device"]
    keys = ("--rawpkkeyfile", own["key.pem"], "--rawpkfile", own["pub.pem"])
    types = f"{DTLS_1_2}:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"
    command = gnutls_cli(server, *keys, "--no-ca-verification", "--priority", types)
    async with running(*command) as peer:
        established = await echoed(server, peer)
    assert "Certificate type: Raw Public Key" in peer.said
    assert established.connection.identity == RawPublicKeyIdentity(device().spki)


@needs_gnutls
@pytest.mark.parametrize("cipher", ["AES-128-GCM", "AES-128-CCM", "AES-128-CCM-8", "AES-128-CBC"])
async def test_gnutls_with_certificates(server: UdpServer, files: Files, cipher: str) -> None:
    own = files["device"]
    keys = ("--x509keyfile", own["key.pem"], "--x509certfile", own["crt.pem"])
    priority = f"{DTLS_1_2}:-CIPHER-ALL:+{cipher}:-MAC-ALL:+SHA256:+AEAD:-KX-ALL:+ECDHE-ECDSA"
    async with running(*gnutls_cli(server, *keys, "--priority", priority)) as peer:
        established = await echoed(server, peer)
    assert established.connection.identity == CertificateIdentity(device().der)


@needs_gnutls
@pytest.mark.parametrize("cipher", ["AES-128-GCM", "AES-128-CCM", "AES-128-CCM-8", "AES-128-CBC"])
async def test_gnutls_with_psk(server: UdpServer, cipher: str) -> None:
    keys = ("--pskusername", IDENTITY, "--pskkey", KEY.hex())
    priority = f"{DTLS_1_2}:-CIPHER-ALL:+{cipher}:-MAC-ALL:+SHA256:+AEAD:-KX-ALL:+PSK"
    async with running(*gnutls_cli(server, *keys, "--priority", priority)) as peer:
        established = await echoed(server, peer)
    assert established.connection.identity == PskIdentity(IDENTITY.encode())


@needs_gnutls
async def test_gnutls_resumes(server: UdpServer) -> None:
    keys = ("--pskusername", IDENTITY, "--pskkey", KEY.hex())
    priority = f"{DTLS_1_2}:-KX-ALL:+PSK"
    command = gnutls_cli(server, *keys, "--priority", priority, "--resume")
    async with running(*command) as peer:
        await peer.hears("This is a resumed session")
    assert server.dtls.counters.resumed == 1


@needs_gnutls
@pytest.mark.parametrize("extended", [True, False], ids=["extended", "not extended"])
@pytest.mark.parametrize("exchange", ["PSK", "ECDHE-ECDSA"])
async def test_master_secret_is_gnutlss(
    server: UdpServer,
    files: Files,
    key_log: Path,
    master_secrets: dict[str, str],
    exchange: str,
    extended: bool,
) -> None:
    own = files["device"]
    psk = ("--pskusername", IDENTITY, "--pskkey", KEY.hex())
    certificate = ("--x509keyfile", own["key.pem"], "--x509certfile", own["crt.pem"])
    keys = psk if exchange == "PSK" else certificate
    priority = f"{DTLS_1_2}:-KX-ALL:+{exchange}" + ("" if extended else ":%NO_SESSION_HASH")
    command = gnutls_cli(server, *keys, "--priority", priority)
    async with running("env", f"SSLKEYLOGFILE={key_log}", *command) as peer:
        established = await echoed(server, peer)
    assert bool(established.connection.session_id) is extended
    assert master_secrets == logged(key_log)


# Mbed TLS


def mbedtls_peer(server: UdpServer, mode: str, cipher: str) -> tuple[str, ...]:
    script = str(peers.HERE / "mbedtls_peer.py")
    return (peers.MBEDTLS_PYTHON, script, str(server.port), mode, cipher)


@needs_mbedtls
@pytest.mark.parametrize(
    "cipher",
    [
        "TLS-PSK-WITH-AES-128-CCM-8",
        "TLS-PSK-WITH-AES-128-CCM",
        "TLS-PSK-WITH-AES-128-GCM-SHA256",
        "TLS-PSK-WITH-AES-128-CBC-SHA256",
    ],
)
async def test_mbedtls_with_psk(server: UdpServer, cipher: str) -> None:
    command = mbedtls_peer(server, f"psk:{IDENTITY}:{KEY.hex()}", cipher)
    async with running(*command) as peer:
        await peer.hears("echo hello")
    assert (await server.event(Established)).connection.suite.name.replace("_", "-") == cipher


@needs_mbedtls
@pytest.mark.parametrize(
    "cipher",
    [
        "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8",
        "TLS-ECDHE-ECDSA-WITH-AES-128-CCM",
        "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
        "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256",
    ],
)
async def test_mbedtls_with_certificates(server: UdpServer, files: Files, cipher: str) -> None:
    own = files["device"]
    mode = f"x509:{own['key.pem']}:{own['crt.pem']}:{files['authority']['crt.pem']}"
    async with running(*mbedtls_peer(server, mode, cipher)) as peer:
        await peer.hears("echo hello")
    established = await server.event(Established)
    assert established.connection.identity == CertificateIdentity(device().der)


# libcoap


@pytest.mark.parametrize("backend", ["openssl", "gnutls"])
async def test_libcoap_with_psk(server: UdpServer, backend: str) -> None:
    program = f"coap-client-{backend}"
    if reason := peers.missing(program):
        pytest.skip(reason)
    server.echoes = False
    uri = f"coaps://127.0.0.1:{server.port}/"
    key = ("-u", "libcoap", "-k", TEXT_KEY.decode())
    async with running(program, "-m", "get", "-B", "2", *key, uri):
        established = await server.event(Established)
        received = await server.event(Received)
    assert established.connection.identity == PskIdentity(b"libcoap")
    # Version 1, confirmable, GET (RFC 7252 3).
    assert received.data[0] >> 4 == 4
    assert received.data[1] == 1


# Californium's Scandium, which is Leshan's DTLS


@pytest.fixture(scope="module")
def class_path() -> str:
    return maven.build(peers.SCANDIUM)


type Scandium = Callable[..., tuple[str, ...]]


@pytest.fixture
def scandium(class_path: str, files: Files) -> Scandium:
    own, authority_, server_ = files["device"], files["authority"], files["server"]
    modes = {
        "psk": (IDENTITY, KEY.hex()),
        "rpk": (own["key.der"], own["pub.der"], server_["pub.der"]),
        "x509": (own["key.der"], own["crt.der"], authority_["crt.der"]),
    }

    def command(port: int, mode: str, suite: str, connection_id: int = 0) -> tuple[str, ...]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        program = ("java", quiet, "-cp", class_path, "interop.ScandiumPeer")
        return (*program, str(port), suite, str(connection_id), mode, *modes[mode])

    return command


@needs_scandium
@pytest.mark.parametrize("connection_id", [0, 6], ids=lambda length: f"cid {length}")
@pytest.mark.parametrize(
    ("mode", "suite"),
    [
        ("psk", "TLS_PSK_WITH_AES_128_CCM_8"),
        ("psk", "TLS_PSK_WITH_AES_128_CBC_SHA256"),
        ("rpk", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
        ("x509", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
        ("x509", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    ],
)
async def test_scandium(
    server: UdpServer, scandium: Scandium, mode: str, suite: str, connection_id: int
) -> None:
    async with running(*scandium(server.port, mode, suite, connection_id)) as peer:
        await peer.hears("started")
        peer.say("send hello")
        await peer.hears("received echo hello")
        connection = (await server.event(Established)).connection
    assert connection.connection_id
    assert connection.suite.name == suite


@needs_scandium
async def test_scandium_goes_on_when_its_nat_rebinds(server: UdpServer, scandium: Scandium) -> None:
    async with peers.nat(server.port) as nat:
        command = scandium(nat.port, "psk", "TLS_PSK_WITH_AES_128_CCM_8", 6)
        async with running(*command) as peer:
            await peer.hears("started")
            peer.say("send before")
            await peer.hears("received echo before")
            await nat.rebind()
            peer.say("send after")
            await peer.hears("received echo after")
            moved = await server.event(Moved)
    assert moved.connection.address != moved.previous
    assert server.dtls.counters.established == 1


@needs_scandium
@pytest.mark.parametrize("connection_id", [0, 6], ids=lambda length: f"cid {length}")
async def test_scandium_resumes(server: UdpServer, scandium: Scandium, connection_id: int) -> None:
    command = scandium(server.port, "psk", "TLS_PSK_WITH_AES_128_CCM_8", connection_id)
    async with running(*command) as peer:
        await peer.hears("started")
        peer.say("send first")
        await peer.hears("received echo first")
        peer.say("resume")
        await peer.hears("resuming")
        peer.say("send second")
        await peer.hears("received echo second")
    assert server.dtls.counters.resumed == 1
