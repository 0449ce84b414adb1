"""What the server makes of the links in Register, well-formed and as devices send them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1.
"""

from __future__ import annotations

from aiocoap import POST, Message
import pytest

from custom_components.lwm2m.protocol.object_list import ObjectList, parse_object_list
from custom_components.lwm2m.protocol.path import Path


def parse(payload: str) -> ObjectList:
    """Read the payload of a Register."""
    return parse_object_list(Message(code=POST, content_format=40, payload=payload.encode()))


def test_objects_and_instances_are_listed() -> None:
    objects = parse("</1/0>,</3/0>,</5>,</3303/0>,</3303/1>")

    assert objects.objects == {1, 3, 5, 3303}
    assert objects.instances == {Path(1, 0), Path(3, 0), Path(3303, 0), Path(3303, 1)}


@pytest.mark.parametrize(
    "payload",
    [
        "</3303>;ver=1.1,</3303/0>",
        '</3303>;ver="1.1",</3303/0>',
        "</3303/0>;ver=1.1",
        '</3303/0>;ver="1.1",</3303/1>',
    ],
)
def test_object_version_is_found_wherever_it_stands(payload: str) -> None:
    assert parse(payload).versions == {3303: "1.1"}


@pytest.mark.parametrize("payload", ["</3303/0>", "</3303/0>;ver", "</3303/0>;ver=new"])
def test_a_missing_or_malformed_version_is_left_to_the_models(payload: str) -> None:
    objects = parse(payload)

    assert objects.versions == {}
    assert objects.instances == {Path(3303, 0)}


@pytest.mark.parametrize(
    "payload",
    [
        '</>;rt="oma.lwm2m";ct="110 112",</3/0>',
        "</>;rt=oma.lwm2m;ct=110;ct=112,</3/0>",
        "</>;ct=110 112,</3/0>",
        "</>;ct=110,</3/0>;ct=112",
    ],
)
def test_content_formats_are_found_however_they_are_written(payload: str) -> None:
    assert parse(payload).content_formats == {110, 112}


def test_content_format_that_is_no_number_is_left_out() -> None:
    assert parse('</>;ct="110 cbor 99999999999",</3/0>').content_formats == {110}


@pytest.mark.parametrize(
    "payload",
    [
        '</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>',
        '</lwm2m/>;rt="oma.lwm2m",</lwm2m/3/0>',
        '</lwm2m>;rt="core.rd oma.lwm2m",</lwm2m/3/0>',
        '</lwm2m/3/0>,</lwm2m>;rt="oma.lwm2m"',
        '</lwm2m>;rt="oma.lwm2m",</3/0>',
    ],
)
def test_alternate_path_is_taken_off_the_links(payload: str) -> None:
    objects = parse(payload)

    assert objects.root == "/lwm2m"
    assert objects.instances == {Path(3, 0)}


def test_alternate_path_may_have_several_segments() -> None:
    objects = parse('</a/b>;rt="oma.lwm2m",</a/b/3/0>')

    assert objects.root == "/a/b"
    assert objects.instances == {Path(3, 0)}


def test_alternate_path_is_no_prefix_of_a_segment() -> None:
    assert parse('</a>;rt="oma.lwm2m",</a/3/0>,</ab/4/0>').instances == {Path(3, 0)}


def test_alternate_path_with_a_numeric_segment_is_none() -> None:
    objects = parse('</1>;rt="oma.lwm2m",</1/0>')

    assert objects.root == ""
    assert objects.instances == {Path(1, 0)}


@pytest.mark.parametrize("payload", ['</>;rt="oma.lwm2m",</3/0>', "</>,</3/0>", "</3/0>"])
def test_without_alternate_path_the_root_is_empty(payload: str) -> None:
    assert parse(payload).root == ""


def test_links_to_other_things_are_no_errors() -> None:
    objects = parse("</3/0>,</sensors/temp>;rt=temperature,</3/0/1>,</65535/0>,<coap://host/1/0>")

    assert objects.objects == {3}
    assert objects.instances == {Path(3, 0)}


def test_unknown_link_attributes_are_no_errors() -> None:
    assert parse('</3/0>;obs;title="A thing";x=1').instances == {Path(3, 0)}
