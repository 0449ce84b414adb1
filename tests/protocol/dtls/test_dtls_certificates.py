"""Trust in certificates, in the four usages of LwM2M 1.1."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    DtlsServer,
    ServerIdentity,
    certificates,
    names,
)

from .parties import (
    CLIENT_AUTH,
    NOW,
    SERVER_AUTH,
    Keyring,
    Party,
    authority,
    device,
    issue,
    server_party,
    stranger,
)
from .scripted_client import ECDHE_CCM_8, Conversation, ScriptedClient

if TYPE_CHECKING:
    from collections.abc import Callable

ANCHOR = CertificateUsage.TRUST_ANCHOR_ASSERTION
DOMAIN = CertificateUsage.DOMAIN_ISSUED_CERTIFICATE
SERVICE = CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT
CA = CertificateUsage.CA_CONSTRAINT
OPENSSL_AUTHORITY = b64decode(
    "MIIBcTCCARegAwIBAgIUWll6IBFsCDSIY4I0xCys9VTvLiYwCgYIKoZIzj0EAwIw"
    "DTELMAkGA1UEAwwCQ0EwIBcNMjYxMTI4MTE0MzE4WhgPMjEyNjExMDQxMTQzMTha"
    "MA0xCzAJBgNVBAMMAkNBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEokfXA1Xd"
    "xPwwcOLENW29stgFS60beL57tRSySfwrdzvvthOqZYlx1GqXddaCuYkdKYSCm5b8"
    "mNcS1ZpQ7uaXHKNTMFEwHQYDVR0OBBYEFLyRt1CygrUuHJ7v1UyaKFnF1O73MB8G"
    "A1UdIwQYMBaAFLyRt1CygrUuHJ7v1UyaKFnF1O73MA8GA1UdEwEB/wQFMAMBAf8w"
    "CgYIKoZIzj0EAwIDSAAwRQIgWx9NiBxy9+ot0hsFt0+NIKuJn5zJaEFj+o6oE97c"
    "bY8CIQCCX/bLvD1Br8mrGuEybD3WefTBlUf/azi7e2z+126pDA=="
)
OPENSSL_VERSION_1 = b64decode(
    "MIIBGTCBwAIUMDt9Lc35nqHLluBB5ZZ0srxU9MQwCgYIKoZIzj0EAwIwDTELMAkG"
    "A1UEAwwCQ0EwIBcNMjYxMTI4MTE0MzE4WhgPMjEyNjExMDQxMTQzMThaMBAxDjAM"
    "BgNVBAMMBWJvYXJkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESAyax7pgDfrX"
    "0MeKxI7MO9jz/O1Bh88kStbgjy+wT4fWpv9+uund/dyEhuk/UTKChOaG/Gyji3uV"
    "bdvw/ycgVzAKBggqhkjOPQQDAgNIADBFAiBQSSmkjlSjqcvc5zbWO8PfTr+LhnnR"
    "weKEI2ZaCh40zwIhAO0gM5CzGGAPbtyGJ9XDiL1c+N3tSDa4FT+mIrMRW90/"
)
"""What `openssl x509 -req` of OpenSSL 3.0 makes of a request, issued by the authority above."""


@pytest.fixture(scope="module")
def intermediate() -> Party:
    return issue("intermediate", authority(), authority=True)


@pytest.fixture(scope="module")
def leaf(intermediate: Party) -> Party:
    return issue("leaf", intermediate)


def accepts(
    usage: CertificateUsage, held: Party, *chain: Party, roots: tuple[Party, ...] = ()
) -> bool:
    trust = CertificateTrust(usage, held.der, tuple(root.der for root in roots))
    return trust.objection([party.der for party in chain], NOW) is None


def test_trust_anchor(leaf: Party, intermediate: Party) -> None:
    assert accepts(ANCHOR, authority(), device())
    assert accepts(ANCHOR, authority(), leaf, intermediate)
    assert accepts(ANCHOR, authority(), leaf, intermediate, authority())
    assert not accepts(ANCHOR, authority(), leaf)
    assert not accepts(ANCHOR, authority(), stranger())
    assert not accepts(ANCHOR, stranger(), device())


def test_chain_is_in_order_and_names_nobody_twice(leaf: Party, intermediate: Party) -> None:
    """Of other chains a path could be found, too, but for some only in seconds."""
    again = issue("intermediate", authority(), authority=True)
    assert not accepts(ANCHOR, authority(), leaf, authority(), intermediate)
    assert not accepts(ANCHOR, authority(), leaf, intermediate, again)


def test_authorities_above_the_anchor_may_be_shown(leaf: Party, intermediate: Party) -> None:
    assert accepts(ANCHOR, intermediate, leaf, intermediate, authority())


def test_no_signature_is_verified_with_a_key_that_no_root_vouches_for(intermediate: Party) -> None:
    """What anybody can make is not for the library, which verifies it all, from the device up."""

    def vouched_for(*shown: Party) -> list[x509.Certificate]:
        chain = [party.certificate for party in shown]
        return certificates.vouched_for(chain, [authority().certificate])

    impostor = Party(stranger().key, authority().certificate)
    upper = issue("upper", impostor, authority=True)
    lower = issue("lower", upper, authority=True)
    assert vouched_for(lower, upper) == []
    assert vouched_for(issue("lower", device(), authority=True), device()) == []

    genuine = issue("lower", intermediate, authority=True)
    assert vouched_for(genuine, intermediate) == [intermediate.certificate, genuine.certificate]
    upper = issue("upper", Party(stranger().key, intermediate.certificate), authority=True)
    assert vouched_for(upper, intermediate) == [intermediate.certificate]


def test_library_gets_no_other_authorities(
    monkeypatch: pytest.MonkeyPatch, leaf: Party, intermediate: Party
) -> None:
    monkeypatch.setattr(certificates, "vouched_for", lambda authorities, roots: [])
    assert not accepts(ANCHOR, authority(), leaf, intermediate)


def test_domain_issued_certificate() -> None:
    assert accepts(DOMAIN, stranger(), stranger())
    assert not accepts(DOMAIN, stranger(), device())
    assert not accepts(DOMAIN, authority(), device(), authority())


def test_domain_issued_certificate_needs_no_date() -> None:
    old = issue("old", days=(-10, -5))
    assert accepts(DOMAIN, old, old)


def test_service_certificate_constraint() -> None:
    assert accepts(SERVICE, device(), device(), roots=(authority(),))
    assert not accepts(SERVICE, device(), device())
    assert not accepts(SERVICE, device(), device(), roots=(stranger(),))
    assert not accepts(SERVICE, issue("other", authority()), device(), roots=(authority(),))


def test_ca_constraint(leaf: Party, intermediate: Party) -> None:
    assert accepts(CA, intermediate, leaf, intermediate, roots=(authority(),))
    assert accepts(CA, authority(), leaf, intermediate, roots=(authority(),))
    assert not accepts(CA, intermediate, device(), roots=(authority(),))
    assert not accepts(CA, leaf, leaf, intermediate, roots=(authority(),))
    assert not accepts(CA, intermediate, leaf, intermediate)


@pytest.mark.parametrize("usage", CertificateUsage)
def test_nothing_shown_is_never_trusted(usage: CertificateUsage) -> None:
    assert not accepts(usage, authority(), roots=(authority(),))


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"days": (-10, -5)}, False),
        ({"days": (5, 10)}, False),
        ({"purpose": CLIENT_AUTH}, True),
        ({"purpose": SERVER_AUTH}, False),
        ({"bare": True}, True),
    ],
    ids=["expired", "not yet valid", "for clients", "for servers", "bare"],
)
def test_what_a_devices_certificate_must_be(options: dict[str, Any], accepted: bool) -> None:
    assert accepts(ANCHOR, authority(), issue("device", authority(), **options)) is accepted


def test_device_cannot_issue_certificates() -> None:
    """RFC 5280 4.2.1.9."""
    middle = issue("device", authority())
    assert not accepts(ANCHOR, authority(), issue("forged", middle), middle)
    bare = issue("device", authority(), bare=True)
    assert not accepts(ANCHOR, authority(), issue("forged", bare), bare)


def test_path_length_is_kept() -> None:
    """RFC 5280 4.2.1.9."""
    first = issue("first", authority(), authority=True, path_length=0)
    second = issue("second", first, authority=True)
    assert accepts(ANCHOR, authority(), issue("fine", first), first)
    assert not accepts(ANCHOR, authority(), issue("deep", second), second, first)


def test_version_1_is_trusted_as_it_is_but_no_authority_can_vouch_for_it() -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    parsed = x509.load_der_x509_certificate(OPENSSL_VERSION_1)
    parsed.verify_directly_issued_by(x509.load_der_x509_certificate(OPENSSL_AUTHORITY))

    assert CertificateTrust(DOMAIN, OPENSSL_VERSION_1).objection([OPENSSL_VERSION_1], at) is None
    by_authority = CertificateTrust(ANCHOR, OPENSSL_AUTHORITY)
    assert by_authority.objection([OPENSSL_VERSION_1], at) == "certificate is of version 1"


def test_garbage_is_not_trusted() -> None:
    trust = CertificateTrust(ANCHOR, authority().der)
    assert trust.objection([b"garbage"], NOW) == "certificate cannot be read"
    assert trust.objection([device().der, b"garbage"], NOW) == "certificate cannot be read"


def test_validity_is_judged_by_the_time_given() -> None:
    trust = CertificateTrust(ANCHOR, authority().der)
    year = timedelta(days=365)
    assert trust.objection([device().der], NOW + year) == "certificate has expired"
    assert trust.objection([device().der], NOW - year) == "certificate is not valid yet"


def test_an_authority_that_has_expired_vouches_for_nobody() -> None:
    old = issue("authority", authority=True, days=(-30, -1))
    trust = CertificateTrust(ANCHOR, old.der)
    assert trust.objection([issue("board-1", old).der], NOW) == "certificate has expired"


def test_owner_is_told_whose_certificate_it_is_not() -> None:
    by_authority = CertificateTrust(ANCHOR, authority().der)
    pinned = CertificateTrust(DOMAIN, device().der)
    assert by_authority.objection([stranger().der], NOW) == "certificate is not of the authority"
    assert pinned.objection([stranger().der], NOW) == "certificate is another one"


def test_name_that_is_no_text_is_none() -> None:
    """What the fuzzer found: for such a one the library raises a TypeError."""
    text, bits = b"\x0c\x07board-1", b"\x03\x07\x00oard-1"
    changed = device().der.replace(text, bits)
    assert changed != device().der
    assert names(changed) == ()


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        (b"\x0c\x09authority", b"\x03\x09\0uthority"),
        (b"\x06\x03\x55\x04\x03\x0c\x09authority", b"\x06\x03\x55\x04\x06\x0c\x09authority"),
    ],
    ids=["bits", "country of nine letters"],
)
def test_issuer_with_an_odd_name_vouches_for_nobody(text: bytes, odd: bytes) -> None:
    """The library raises a TypeError, or warns: here neither is for anybody to bring about."""
    changed = device().der.replace(text, odd)
    assert changed != device().der
    assert CertificateTrust(ANCHOR, authority().der).objection([changed], NOW)


def test_names_of_a_certificate() -> None:
    assert names(issue("board-7").der) == ("board-7", "board-7.example")
    assert names(device().der) == ("board-1",)
    assert names(b"garbage") == ()


@pytest.mark.parametrize(
    ("usage", "held", "roots"),
    [
        (ANCHOR, authority, ()),
        (DOMAIN, device, ()),
        (SERVICE, device, (authority,)),
        (CA, authority, (authority,)),
    ],
    ids=lambda value: value.name if isinstance(value, CertificateUsage) else "",
)
def test_handshake_in_every_usage(
    usage: CertificateUsage,
    held: Callable[[], Party],
    roots: tuple[Callable[[], Party], ...],
) -> None:
    party = server_party()
    trust = CertificateTrust(usage, held().der, tuple(root().der for root in roots))
    server = DtlsServer(Keyring(server=ServerIdentity(party.key, [party.der]), trusts=[trust]))
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    Conversation(server, client).connect()
    assert client.established
    other = ScriptedClient(suites=(ECDHE_CCM_8,), party=stranger())
    Conversation(server, other).connect()
    assert not other.established


def test_servers_key_is_on_p_256() -> None:
    with pytest.raises(ValueError, match="P-256"):
        ServerIdentity(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize("allowed", [True, False])
def test_key_usage_of_an_authority_and_of_a_device(allowed: bool) -> None:
    """RFC 5280 4.2.1.3."""
    middle = issue("middle", authority(), authority=True, may_sign_certificates=allowed)
    assert accepts(ANCHOR, authority(), issue("device", middle), middle) is allowed
    # Such a device may not sign a handshake either.
    device_ = issue("device", authority(), may_sign_certificates=allowed)
    assert not accepts(ANCHOR, authority(), device_)
