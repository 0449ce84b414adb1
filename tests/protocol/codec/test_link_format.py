"""The CoRE link format, with the slips of lwm2m clients (RFC 6690)."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.lwm2m.protocol.codec import CodecError
from custom_components.lwm2m.protocol.codec.link_format import Link, format_links, parse_links


@pytest.mark.parametrize(
    ("payload", "links"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \r\n", [], id="spaces"),
        pytest.param("</1/0>", [Link("/1/0")], id="a target alone"),
        pytest.param("<>", [Link("")], id="an empty target"),
        pytest.param(
            '</sensors/temp>;rt="temperature-c";if="sensor",</sensors/light>;rt="light-lux"',
            [
                Link("/sensors/temp", {"rt": "temperature-c", "if": "sensor"}),
                Link("/sensors/light", {"rt": "light-lux"}),
            ],
            id="RFC 6690 5",
        ),
        pytest.param(
            '</lwm2m>;rt="oma.lwm2m";ct=11543,</lwm2m/1/101>,</lwm2m/3/0>',
            [
                Link("/lwm2m", {"rt": "oma.lwm2m", "ct": "11543"}),
                Link("/lwm2m/1/101"),
                Link("/lwm2m/3/0"),
            ],
            id="OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1",
        ),
        pytest.param(
            "</3/0>;pmin=10;pmax=60,</3/0/6>;dim=8;gt=50;lt=42.2,</3/0/9>",
            [
                Link("/3/0", {"pmin": "10", "pmax": "60"}),
                Link("/3/0/6", {"dim": "8", "gt": "50", "lt": "42.2"}),
                Link("/3/0/9"),
            ],
            id="a Discover, OMA-TS-LightweightM2M_Core-V1_1_1 6.3.2",
        ),
        pytest.param(
            '</>;title="a, b; <c> \\"d\\" \\\\"',
            [Link("/", {"title": 'a, b; <c> "d" \\'})],
            id="a quoted text",
        ),
        pytest.param("</>;obs", [Link("/", {"obs": None})], id="an attribute without a value"),
        pytest.param('</>;a="";b=', [Link("/", {"a": "", "b": ""})], id="empty values"),
    ],
)
def test_read(payload: str, links: list[Link]) -> None:
    assert parse_links(payload) == links


@pytest.mark.parametrize(
    ("payload", "links"),
    [
        ("</1/0>;ver=1.1", [Link("/1/0", {"ver": "1.1"})]),
        ('</1>;ver="1.1"', [Link("/1", {"ver": "1.1"})]),
        ('</>;ct="60 110"', [Link("/", {"ct": "60 110"})]),
        ("</>;ct=60 110,</1>", [Link("/", {"ct": "60 110"}), Link("/1")]),
        ("</>;ct=110;ct=112", [Link("/", {"ct": "110 112"})]),
        ("</>;ct;ct=112", [Link("/", {"ct": None})]),
        ("</1>;ver=1.1;ver=1.2", [Link("/1", {"ver": "1.1"})]),
        (
            " </1> , </2> ;\tver = 1.1 ,\r\n</3>\n",
            [Link("/1"), Link("/2", {"ver": "1.1"}), Link("/3")],
        ),
        (",</1>,,</2>,", [Link("/1"), Link("/2")]),
        ("</1>;;ver=1.1;,</2>;", [Link("/1", {"ver": "1.1"}), Link("/2")]),
    ],
)
def test_read_what_clients_make_of_it(payload: str, links: list[Link]) -> None:
    """As leshan#1315, leshan#1229 and leshan#1020 met them."""
    assert parse_links(payload.encode()) == links


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        b"{}",
        b"/1/0",
        b"</1",
        b"</1>x",
        b"</1></2>",
        b"</1>;=1",
        b'</1>;a="b',
        b'</1>;a="b"c',
        b"</1>,2",
        b"<</1>>",
    ],
)
def test_what_is_no_list_of_links(payload: bytes) -> None:
    with pytest.raises(CodecError):
        parse_links(payload)


def test_write() -> None:
    links = [
        Link("/", {"rt": "oma.lwm2m", "ct": "60 110"}),
        Link("/1", {"ver": "1.1"}),
        Link("/3/0", {"lt": "-10.5", "obs": None, "title": 'a "b" \\'}),
    ]

    assert format_links(links) == (
        '</>;rt="oma.lwm2m";ct="60 110",</1>;ver=1.1,</3/0>;lt=-10.5;obs;title="a \\"b\\" \\\\"'
    )


@pytest.mark.parametrize("link", [Link("/<"), Link("/", {"a b": None}), Link("/", {"": "1"})])
def test_what_cannot_be_written(link: Link) -> None:
    with pytest.raises(CodecError):
        format_links([link])


LINKS = st.lists(
    st.builds(
        Link,
        st.text().filter(lambda text: not set(text) & set("<>")),
        st.dictionaries(st.from_regex(r"[a-z][a-z0-9*-]*", fullmatch=True), st.none() | st.text()),
    )
)


@given(LINKS)
@settings(deadline=None, max_examples=50)
def test_what_was_written_is_read(links: list[Link]) -> None:
    assert parse_links(format_links(links)) == links


@given(st.text(alphabet='</>;,="\\ ctver10') | st.text() | st.binary())
@settings(deadline=None, max_examples=50)
def test_no_payload_does_more_harm_than_a_codec_error(payload: str | bytes) -> None:
    try:
        parse_links(payload)
    except CodecError:
        return


def test_much_white_space_costs_little() -> None:
    """A pattern that backtracks would take minutes."""
    payload = "</1>" + " " * 50_000 + ";" + " " * 50_000 + 'a="' + "\\\\" * 50_000

    with pytest.raises(CodecError):
        parse_links(payload)
