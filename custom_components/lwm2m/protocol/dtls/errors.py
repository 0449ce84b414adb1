"""Alerts, and the errors that carry them."""

from __future__ import annotations

from enum import IntEnum


class AlertLevel(IntEnum):
    """RFC 5246 7.2."""

    WARNING = 1
    FATAL = 2


class Alert(IntEnum):
    """Alert descriptions: RFC 5246 7.2.2, RFC 4279 6 (115)."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    UNSUPPORTED_EXTENSION = 110
    UNKNOWN_PSK_IDENTITY = 115


class DtlsError(Exception):
    """The base of every error of this layer."""


class HandshakeError(DtlsError):
    """The peer broke the protocol or is not trusted; `alert` is what to tell it."""

    def __init__(self, alert: Alert, reason: str) -> None:
        super().__init__(reason)
        self.alert = alert


class DecodeError(HandshakeError):
    """A message is not of its format (RFC 5246 7.2.2: decode_error)."""

    def __init__(self, reason: str) -> None:
        super().__init__(Alert.DECODE_ERROR, reason)


class BadRecordMac(DtlsError):
    """A record's protection does not verify; such records are dropped (RFC 6347 4.1.2.7)."""


class ConnectionClosed(DtlsError):
    """There is nobody to send to any more."""
