"""The integration's DTLS server, to be measured: python -m benchmarks.dtls_lwm2m FOLDER."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
import sys
from time import monotonic
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from simulator.standalone import without_home_assistant

from .dtls_loop import IDENTITIES, identity, key, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

without_home_assistant()

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateType,
    CertificateUsage,
    DtlsServer,
    Received,
    ServerIdentity,
    Transmit,
)


class Keyring:
    """Knows the devices of the benchmark."""

    certificate_types = frozenset(CertificateType)

    def __init__(self, folder: Path) -> None:
        """Read what the benchmark has written."""

        def certificate(name: str) -> bytes:
            pem = (folder / f"{name}.crt.pem").read_bytes()
            return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

        private = load_pem_private_key((folder / "server.key.pem").read_bytes(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        self.server = ServerIdentity(private, [certificate("server")])
        self._keys = {identity(number).encode(): key(number) for number in range(IDENTITIES)}
        self._public_key = (folder / "device.pub.der").read_bytes()
        anchor = certificate("authority")
        self._trust = CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, anchor)

    def psk(self, identity: bytes) -> bytes | None:
        """Return the key of this identity."""
        return self._keys.get(identity)

    def trusts_public_key(self, public_key: bytes) -> bool:
        """Say whether it is the device's."""
        return public_key == self._public_key

    def objection_to(self, chain: tuple[bytes, ...]) -> str | None:
        """Say what is wrong with it unless the authority has issued it."""
        return self._trust.objection(chain, datetime.now(UTC))


def main() -> None:
    """Serve."""
    server = DtlsServer(Keyring(Path(sys.argv[1])))

    def receive(datagram: bytes, address: tuple[str, int]) -> Iterator[bytes]:
        for output in server.receive(datagram, address, monotonic()):
            match output:
                case Transmit():
                    yield output.datagram
                case Received():
                    for answer in server.send(output.connection, output.data):
                        assert isinstance(answer, Transmit)
                        yield answer.datagram

    serve(receive)


main()
