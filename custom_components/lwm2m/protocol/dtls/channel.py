"""The protected records of a connection: epoch 1, both directions (RFC 6347 4.1, RFC 9146)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BadRecordMac, ConnectionClosed
from .records import DTLS_1_2, MAX_PLAINTEXT, MAX_SEQUENCE, ContentType, Record, ReplayWindow

if TYPE_CHECKING:
    from .ciphers import RecordCipher

EPOCH = 1
"""There is no renegotiation, hence no epoch after it."""
_FIRST_NUMBER = EPOCH << 48
_PLACEHOLDER = b"\xff" * 8
_VERSION = DTLS_1_2.to_bytes(2)


class Channel:
    """Seals what goes to the peer and opens what comes from it."""

    __slots__ = (
        "_open_connection_id",
        "_open_header",
        "_reader",
        "_seal_connection_id",
        "_seal_header",
        "_sequence",
        "_writer",
        "window",
    )

    def __init__(
        self,
        reader: RecordCipher,
        writer: RecordCipher,
        own_connection_id: bytes = b"",
        peer_connection_id: bytes = b"",
    ) -> None:
        """Take the ciphers, and the connection IDs: the one expected and the one to write.

        Empty: records in that direction carry none (RFC 9146 3).
        """
        self._reader = reader
        self._writer = writer
        self._open_connection_id = own_connection_id
        self._seal_connection_id = peer_connection_id
        self._open_header = _connection_id_header(own_connection_id)
        self._seal_header = _connection_id_header(peer_connection_id)
        self._sequence = 0
        self.window = ReplayWindow()

    @property
    def exhausted(self) -> bool:
        """Whether the sequence numbers are used up, so that nothing can be sealed any more.

        A peer cannot bring that about: at 100,000 records a second they last for 89 years.
        """
        return self._sequence > MAX_SEQUENCE

    def seal(self, content_type: int, content: bytes) -> bytes:
        """Return a record; ConnectionClosed when it is exhausted."""
        if self._sequence > MAX_SEQUENCE:
            raise ConnectionClosed("sequence numbers are used up")
        number = (_FIRST_NUMBER | self._sequence).to_bytes(8)
        self._sequence += 1
        kind = content_type.to_bytes(1)
        connection_id = self._seal_connection_id
        if connection_id:
            # RFC 9146 4: the true type goes inside.
            header = self._seal_header + number + connection_id
            fragment = self._writer.seal(number, header, content + kind)
            kind = ContentType.TLS12_CID.to_bytes(1)
        else:
            fragment = self._writer.seal(number, number + kind + _VERSION, content)
        return b"".join(
            (kind, _VERSION, number, connection_id, len(fragment).to_bytes(2), fragment)
        )

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the true type and the content of a record, and note nothing; BadRecordMac.

        Once connection IDs are negotiated, a record without is not for us (RFC 9146 3).
        """
        connection_id = self._open_connection_id
        if record.connection_id != connection_id or record.version != DTLS_1_2:
            raise BadRecordMac
        number = (record.epoch << 48 | record.sequence).to_bytes(8)
        if not connection_id:
            header = number + record.type.to_bytes(1) + _VERSION
            content = self._reader.open(header, record.fragment)
            content_type = record.type
        else:
            header = self._open_header + number + connection_id
            inner = self._reader.open(header, record.fragment).rstrip(b"\0")
            if not inner:
                raise BadRecordMac
            content_type = inner[-1]
            content = inner[:-1]
        if len(content) > MAX_PLAINTEXT:
            raise BadRecordMac
        return content_type, content


def _connection_id_header(connection_id: bytes) -> bytes:
    """What a MAC covers before the number (RFC 9146 5); nothing where there is no ID."""
    if not connection_id:
        return b""
    kind = ContentType.TLS12_CID.to_bytes(1)
    return _PLACEHOLDER + kind + len(connection_id).to_bytes(1) + kind + _VERSION
