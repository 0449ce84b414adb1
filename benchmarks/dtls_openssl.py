"""OpenSSL, through pyOpenSSL: a server to be measured, and the client of every measurement.

python -m benchmarks.dtls_openssl FOLDER. Without sockets, over memory BIOs. pyOpenSSL has no public
interface for pre-shared keys, so both sides reach into its bindings for it.
"""

from __future__ import annotations

import hmac
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL

from .dtls_loop import DATAGRAM, IDENTITIES, identity, key, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

PSK = "PSK-AES128-CCM8"
ECDSA = "ECDHE-ECDSA-AES128-CCM8"
DTLS_1_2 = 0xFEFD
_lib: Any = SSL._lib  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # noqa: SLF001
ASK = "unsigned int (SSL *, const char *, unsigned char *, unsigned int)"
ANSWER = "unsigned int (SSL *, const char *, char *, unsigned int, unsigned char *, unsigned int)"
"""C's types of what looks a key up, on the server and on the client."""


def context(folder: Path, name: str, ciphers: str) -> SSL.Context:
    """Return what both sides have in common; `name` is whose certificate is shown."""
    common = SSL.Context(SSL.DTLS_METHOD)
    common.set_min_proto_version(DTLS_1_2)
    common.set_max_proto_version(DTLS_1_2)
    # CCM_8 is below the default security level.
    common.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
    common.set_options(SSL.OP_NO_TICKET)
    common.use_privatekey_file(str(folder / f"{name}.key.pem"))
    common.use_certificate_file(str(folder / f"{name}.crt.pem"))
    common.load_verify_locations(str(folder / "authority.crt.pem"))
    common.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return common


def outgoing(connection: SSL.Connection) -> Iterator[bytes]:
    """Yield what is to be sent."""
    try:
        while True:
            yield connection.bio_read(DATAGRAM)
    except SSL.WantReadError:
        return


class Server:
    """A connection for each peer, and one that waits for the next to bring its cookie."""

    def __init__(self, folder: Path) -> None:
        """Read what the benchmark has written."""
        keys = {identity(number).encode(): key(number) for number in range(IDENTITIES)}

        def find(ssl: Any, name: Any, secret: Any, _size: int) -> int:
            shown = _ffi.string(name)
            found = keys.get(shown, b"")
            _ffi.memmove(secret, found, len(found))
            # A server must know afterwards whom it talks to, and there is no other way to ask.
            SSL.Connection._reverse_mapping[ssl].set_app_data(shown)  # noqa: SLF001  # the same
            return len(found)

        def cookie(connection: SSL.Connection) -> bytes:
            return hmac.digest(b"secret", repr(connection.get_app_data()).encode(), "sha256")

        self._find = _ffi.callback(ASK, find)
        self._context = context(folder, "server", f"{PSK}:{ECDSA}")
        self._context.set_session_id(b"benchmark")
        self._context.set_cookie_generate_callback(cookie)
        self._context.set_cookie_verify_callback(
            lambda connection, shown: hmac.compare_digest(shown, cookie(connection))
        )
        _lib.SSL_CTX_set_psk_server_callback(self._context._context, self._find)  # noqa: SLF001  # see _lib
        self._peers: dict[tuple[str, int], SSL.Connection] = {}
        self._waiting = self._accepting()

    def _accepting(self) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        return connection

    def receive(self, datagram: bytes, address: tuple[str, int]) -> Iterator[bytes]:
        """Take a datagram, and yield the answers."""
        peer = self._peers.get(address)
        if peer is None:
            peer = self._waiting
            peer.set_app_data(address)
            peer.bio_write(datagram)
            try:
                peer.DTLSv1_listen()
            except SSL.WantReadError:
                yield from outgoing(peer)
                return
            self._peers[address] = peer
            self._waiting = self._accepting()
        else:
            peer.bio_write(datagram)
        try:
            # Reading does the handshake, too.
            peer.send(peer.recv(DATAGRAM))
        except SSL.WantReadError:
            # A server must know when to send again (RFC 6347 4.2.4).
            peer.DTLSv1_get_timeout()
        except SSL.ZeroReturnError:
            # Only after a goodbye of its own does OpenSSL resume the session.
            peer.shutdown()
            del self._peers[address]
        yield from outgoing(peer)


class Client:
    """Makes clients of one kind."""

    def __init__(self, folder: Path, ciphers: str) -> None:
        """Read what the benchmark has written."""

        def choose(ssl: Any, _hint: Any, name: Any, _size: int, secret: Any, _length: int) -> int:
            number = SSL.Connection._reverse_mapping[ssl].get_app_data()  # noqa: SLF001  # as the server
            chosen = identity(number).encode() + b"\0"
            _ffi.memmove(name, chosen, len(chosen))
            found = key(number)
            _ffi.memmove(secret, found, len(found))
            return len(found)

        self._choose = _ffi.callback(ANSWER, choose)
        self._context = context(folder, "device", ciphers)
        _lib.SSL_CTX_set_psk_client_callback(self._context._context, self._choose)  # noqa: SLF001  # see _lib

    def connection(self, number: int, session: SSL.Session | None = None) -> SSL.Connection:
        """Return a client that shows the identity of this number."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(number)
        connection.set_connect_state()
        if session is not None:
            connection.set_session(session)
        return connection


if __name__ == "__main__":
    serve(Server(Path(sys.argv[1])).receive)
