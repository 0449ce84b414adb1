"""What tests of several folders share."""

from __future__ import annotations

import pytest

from tests.interop import leshan_peer


@pytest.fixture(scope="session")
def class_path() -> str:
    """The compiled Leshan client's class path."""
    if reason := leshan_peer.missing():
        pytest.skip(reason)
    return leshan_peer.build()
