"""Mbed TLS, through python-mbedtls, to be measured: python -m benchmarks.dtls_mbedtls FOLDER."""

from __future__ import annotations

from pathlib import Path
import sys
from typing import Iterator  # noqa: UP035  # it runs on an older Python

from mbedtls import pk, tls, x509
from mbedtls.exceptions import TLSError

from .dtls_loop import DATAGRAM, IDENTITIES, identity, key, serve

CIPHERS = ["TLS-PSK-WITH-AES-128-CCM-8", "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8"]
OVER = tls.HandshakeStep.HANDSHAKE_OVER


class Server:
    """A buffer for each peer, and one that waits for the next to bring its cookie."""

    def __init__(self, folder: Path) -> None:
        """Read what the benchmark has written."""

        def pem(name: str) -> str:
            return (folder / name).read_text()

        store = tls.TrustStore()
        store.add(x509.CRT.from_PEM(pem("authority.crt.pem")))
        chain = (x509.CRT.from_PEM(pem("server.crt.pem")),)
        configuration = tls.DTLSConfiguration(
            pre_shared_key_store={identity(number): key(number) for number in range(IDENTITIES)},
            certificate_chain=(chain, pk.ECC.from_PEM(pem("server.key.pem"))),
            trust_store=store,
            validate_certificates=True,
            ciphers=CIPHERS,
        )
        self._context = tls.ServerContext(configuration)
        self._peers: dict[tuple[str, int], tls.TLSWrappedBuffer] = {}
        self._waiting = self._context.wrap_buffers()

    def receive(self, datagram: bytes, address: tuple[str, int]) -> Iterator[bytes]:
        """Take a datagram, and yield the answers."""
        peer = self._peers.get(address)
        if peer is None:
            peer = self._waiting
            peer.setcookieparam(repr(address).encode())
        peer.receive_from_network(datagram)
        if peer._handshake_state is OVER:  # noqa: SLF001  # there is no other way to ask
            try:
                peer.write(peer.read(DATAGRAM))
            except TLSError:
                # It says so, and names no code, where a peer takes its leave.
                del self._peers[address]
            else:
                yield from outgoing(peer)
            return
        try:
            while peer._handshake_state is not OVER:  # noqa: SLF001  # as above
                try:
                    peer.do_handshake()
                except tls.WantWriteError:
                    yield from outgoing(peer)
        except tls.HelloVerifyRequest:
            return
        except tls.WantReadError:
            pass
        if peer is self._waiting:
            self._peers[address] = peer
            self._waiting = self._context.wrap_buffers()


def outgoing(peer: tls.TLSWrappedBuffer) -> Iterator[bytes]:
    """Yield what is to be sent."""
    while datagram := peer.peek_outgoing(DATAGRAM):
        peer.consume_outgoing(len(datagram))
        yield datagram


serve(Server(Path(sys.argv[1])).receive)
