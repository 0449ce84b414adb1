"""Whose credential is whose: what a device proves leads to one endpoint, and to no other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    CertificateTrust,
    CertificateType,
    CertificateUsage,
    PskIdentity,
    RawPublicKeyIdentity,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.errors import NotRegistered
from custom_components.lwm2m.protocol.security import (
    Certificate,
    CredentialError,
    CredentialInUse,
    CredentialStore,
    PreSharedKey,
    RawPublicKey,
)
from custom_components.lwm2m.protocol.server import LwM2mServer, Registered, Revoked

from .dtls.parties import Party, issue, trust

if TYPE_CHECKING:
    from types import FrameType

    from .conftest import Device, Events

PSK = PreSharedKey(b"board-1", bytes(range(16)))


@pytest.fixture
def store() -> CredentialStore:
    return CredentialStore()


@pytest.fixture(scope="module")
def authority() -> Party:
    return issue("authority", authority=True)


# Pre-shared keys


def test_a_psk_is_found_by_its_identity(store: CredentialStore) -> None:
    store.put("board", PSK)

    assert store.psk(PSK.identity) == PSK.key
    assert store.endpoint_of(PskIdentity(PSK.identity)) == "board"
    assert store.is_secured("board")


def test_an_unknown_identity_has_no_key(store: CredentialStore) -> None:
    store.put("board", PSK)

    assert store.psk(b"board-2") is None
    assert store.endpoint_of(PskIdentity(b"board-2")) is None


def test_a_psk_identity_is_of_one_endpoint(store: CredentialStore) -> None:
    store.put("board", PSK)

    with pytest.raises(CredentialInUse, match="board") as caught:
        store.put("other", PreSharedKey(PSK.identity, b"another key"))

    assert caught.value.endpoint == "board"
    assert not store.is_secured("other")
    assert store.psk(PSK.identity) == PSK.key


def test_an_endpoint_may_get_another_key_for_its_identity(store: CredentialStore) -> None:
    store.put("board", PSK)

    store.put("board", PreSharedKey(PSK.identity, b"another key"))

    assert store.psk(PSK.identity) == b"another key"


def test_a_former_credential_counts_no_more(store: CredentialStore) -> None:
    store.put("board", PSK)

    store.put("board", RawPublicKey(issue("board").spki))

    assert store.psk(PSK.identity) is None
    store.put("other", PSK)


def test_without_its_credential_an_endpoint_is_not_secured(store: CredentialStore) -> None:
    store.put("board", PSK)

    store.remove("board")

    assert not store.is_secured("board")
    assert store.psk(PSK.identity) is None
    store.remove("board")


@pytest.mark.parametrize(
    "psk",
    [
        PreSharedKey(b"", b"key"),
        PreSharedKey(bytes(129), b"key"),
        PreSharedKey(b"board", b""),
        PreSharedKey(b"board", bytes(65)),
    ],
    ids=["no identity", "identity too long", "no key", "key too long"],
)
def test_a_psk_that_devices_do_not_take_is_refused(
    store: CredentialStore, psk: PreSharedKey
) -> None:
    with pytest.raises(CredentialError):
        store.put("board", psk)

    assert not store.is_secured("board")


# Raw public keys


def test_a_public_key_is_of_one_endpoint(store: CredentialStore) -> None:
    spki = issue("board").spki
    store.put("board", RawPublicKey(spki))

    with pytest.raises(CredentialInUse):
        store.put("other", RawPublicKey(spki))

    assert store.trusts_public_key(spki)
    assert store.endpoint_of(RawPublicKeyIdentity(spki)) == "board"


def test_an_unknown_public_key_is_not_trusted(store: CredentialStore) -> None:
    store.put("board", RawPublicKey(issue("board").spki))

    assert not store.trusts_public_key(issue("board").spki)


def test_what_is_no_public_key_is_refused(store: CredentialStore) -> None:
    with pytest.raises(CredentialError, match="public key"):
        store.put("board", RawPublicKey(b"no key"))


# Certificates


def test_a_pinned_certificate_is_of_its_endpoint_whatever_it_names(store: CredentialStore) -> None:
    device = issue("serial number 1")
    store.put("board", trust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, device))

    assert store.objection_to((device.der,)) is None
    assert store.endpoint_of(CertificateIdentity(device.der)) == "board"


def test_a_pinned_certificate_is_of_one_endpoint(store: CredentialStore) -> None:
    device = issue("board")
    store.put("board", trust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, device))

    with pytest.raises(CredentialInUse):
        store.put("other", trust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, device))


def test_an_authority_vouches_for_the_endpoint_that_is_named(
    store: CredentialStore, authority: Party
) -> None:
    device = issue("board", authority)
    anchor = trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority)
    store.put("board", anchor)
    store.put("other", anchor)

    assert store.objection_to((device.der,)) is None
    assert store.endpoint_of(CertificateIdentity(device.der)) == "board"


def test_an_alternative_name_counts_like_the_common_name(
    store: CredentialStore, authority: Party
) -> None:
    device = issue("board", authority)
    store.put("board.example", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))

    assert store.endpoint_of(CertificateIdentity(device.der)) == "board.example"


def test_an_authority_does_not_vouch_for_who_is_not_named(
    store: CredentialStore, authority: Party
) -> None:
    device = issue("stranger", authority)
    store.put("board", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))

    assert store.objection_to((device.der,))
    assert store.endpoint_of(CertificateIdentity(device.der)) is None


def test_one_authority_cannot_vouch_for_anothers_endpoint(
    store: CredentialStore, authority: Party
) -> None:
    rogue = issue("rogue", authority=True)
    impostor = issue("board", rogue)
    store.put("board", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))
    store.put("board.example", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, rogue))

    assert store.objection_to((impostor.der,))


def test_a_name_is_not_enough_for_an_endpoint_with_another_kind_of_credential(
    store: CredentialStore, authority: Party
) -> None:
    device = issue("board", authority)
    store.put("board", PSK)
    store.put("other", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))

    assert store.objection_to((device.der,))


@pytest.mark.parametrize("pinned", [False, True])
def test_a_name_of_an_endpoint_with_another_kind_of_credential_hides_no_other(
    store: CredentialStore, authority: Party, pinned: bool
) -> None:
    device = issue("board", authority)
    usage = CertificateUsage.DOMAIN_ISSUED_CERTIFICATE
    store.put("board", trust(usage, issue("board")) if pinned else PSK)
    store.put("board.example", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))

    assert store.endpoint_of(CertificateIdentity(device.der)) == "board.example"


@pytest.mark.parametrize("usage", [0, 1])
def test_what_is_no_certificate_is_refused(
    store: CredentialStore, authority: Party, usage: int
) -> None:
    trusted = CertificateTrust(CertificateUsage(usage), b"no certificate", (authority.der,))

    with pytest.raises(CredentialError):
        store.put("board", Certificate(trusted))


def test_nothing_is_trusted_that_is_not_there(store: CredentialStore) -> None:
    assert store.objection_to(())
    assert store.objection_to((b"no certificate",))


def test_clients_may_show_what_there_are_credentials_for(
    store: CredentialStore, authority: Party
) -> None:
    store.put("a", PSK)
    assert not store.certificate_types

    store.put("b", RawPublicKey(authority.spki))
    assert store.certificate_types == {CertificateType.RAW_PUBLIC_KEY}

    store.put("c", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))
    assert store.certificate_types == {CertificateType.RAW_PUBLIC_KEY, CertificateType.X509}

    store.put("b", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority))
    assert store.certificate_types == {CertificateType.X509}

    store.remove("b")
    assert store.certificate_types == {CertificateType.X509}

    store.remove("c")
    assert not store.certificate_types


def test_what_clients_may_show_takes_no_more_steps_of_many_credentials(
    store: CredentialStore,
) -> None:
    def steps() -> int:
        taken = 0

        def step(_frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal taken
            taken += event == "line"
            return step

        before = sys.gettrace()
        sys.settrace(step)
        try:
            assert store.certificate_types == frozenset()
        finally:
            sys.settrace(before)
        return taken

    store.put("board", PSK)
    of_one = steps()
    for number in range(100):
        store.put(f"board-{number}", PreSharedKey(b"key %d" % number, bytes(range(16))))
    assert steps() == of_one > 0


def test_a_key_is_in_no_text() -> None:
    assert repr(PSK.key)[2:-1] not in repr(PSK)


# The server's


async def test_a_credential_ends_the_registration_of_before(
    server: LwM2mServer, device: Device, events: Events
) -> None:
    await device.register("board")
    registered = await events.next()

    server.set_credential("board", PSK)

    assert isinstance(registered, Registered)
    assert await events.next() == Revoked(registered.registration)
    assert server.counters.revoked == 1
    with pytest.raises(NotRegistered):
        server.client("board")


async def test_a_credential_that_cannot_be_changed_leaves_all_as_it_was(
    server: LwM2mServer, device: Device
) -> None:
    server.set_credential("other", PSK)
    await device.register("board")

    with pytest.raises(CredentialInUse):
        server.set_credential("board", PSK)

    assert server.client("board")


async def test_who_the_server_is_can_change(server: LwM2mServer) -> None:
    identity = ServerIdentity(issue("server").key)

    server.set_identity(identity)

    assert server.credentials.server is identity
