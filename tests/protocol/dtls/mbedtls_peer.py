"""A client on Mbed TLS (python-mbedtls), a program of its own: PORT MODE CIPHER.

MODE is `psk:IDENTITY:KEY` (the key in hexadecimal) or `x509:KEY:CERTIFICATE:AUTHORITY` (PEM files).
Sends `hello`, and prints what comes back.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
import socket
import sys

from mbedtls import pk, tls, x509


def configuration(mode: str, cipher: str) -> tls.DTLSConfiguration:
    kind, *values = mode.split(":")
    if kind == "psk":
        identity, key = values
        return tls.DTLSConfiguration(
            pre_shared_key=(identity, bytes.fromhex(key)),
            ciphers=[cipher],
            validate_certificates=False,
        )
    key, certificate, authority = (Path(value).read_text() for value in values)
    store = tls.TrustStore()
    store.add(x509.CRT.from_PEM(authority))
    return tls.DTLSConfiguration(
        certificate_chain=((x509.CRT.from_PEM(certificate),), pk.ECC.from_PEM(key)),
        trust_store=store,
        ciphers=[cipher],
        validate_certificates=True,
    )


def main() -> None:
    port, mode, cipher = sys.argv[1:]
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plain.settimeout(10)
    context = tls.ClientContext(configuration(mode, cipher))
    connection = context.wrap_socket(plain, server_hostname="server.example")
    connection.connect(("127.0.0.1", int(port)))
    connection.do_handshake()
    connection.send(b"hello")
    sys.stdout.write(connection.recv(100).decode() + "\n")
    with suppress(OSError, tls.WantReadError):
        connection.close()


if __name__ == "__main__":
    main()
