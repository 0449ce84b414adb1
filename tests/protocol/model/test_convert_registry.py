"""The converter: a small registry in, the shipped form out, nothing lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from custom_components.lwm2m.protocol.model.compact import (
    decode_object,
    decode_resource,
    encode_registry,
)
from custom_components.lwm2m.protocol.model.definitions import ModelError
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.model.xml import parse_common_xml, parse_object_xml
from scripts.convert_registry import convert

COMMON = """<LWM2M><Object ObjectType="CommonResources"><Resources>
<Item ID="5850"><Name>On/Off</Name><Operations>RW</Operations><Type>Boolean</Type></Item>
<Item ID="4000"><Name>Handle</Name><Operations>R</Operations><Type>Objlnk</Type></Item>
</Resources></Object></LWM2M>"""


def _pump(version: str, *, units: str = "m3/h") -> str:
    return f"""<LWM2M><Object ObjectType="MODefinition">
<Name>Pump</Name><Description1>Prose.</Description1><ObjectID>900</ObjectID>
<LWM2MVersion>1.1</LWM2MVersion><ObjectVersion>{version}</ObjectVersion>
<MultipleInstances>Multiple</MultipleInstances><Mandatory>Mandatory</Mandatory>
<Resources>
<Item ID="9"><Name>Flow</Name><Operations>R</Operations>
<MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Float</Type>
<RangeEnumeration>0..2.5</RangeEnumeration><Units>{units}</Units></Item>
<Item ID="3"><Name>Größe</Name><Operations>RW</Operations>
<MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Type>Integer</Type>
<RangeEnumeration>1,2</RangeEnumeration><Units></Units></Item>
<Item ID="4"><Name>Label</Name><Operations>W</Operations>
<MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Type>String</Type>
<RangeEnumeration>0..16</RangeEnumeration><Units></Units></Item>
</Resources></Object></LWM2M>"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A registry of one object in two versions, laid out as the OMA's."""
    (tmp_path / "version_history").mkdir()
    for name, text in {
        "900.xml": _pump("1.10"),
        "version_history/900-1_10.xml": _pump("1.10"),
        "version_history/900-1_9.xml": _pump("1.9"),
        "Common.xml": COMMON,
        "DDF.xml": "<DDFList/>",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_form(source: Path) -> None:
    resources = (
        '[[3,"Größe","integer","RW","+",{"e":[1,2]}],[4,"Label","string","W","",{"l":16}],'
        '[9,"Flow","float","R","!",{"u":"m3/h","lo":0,"hi":2.5}]]'
    )

    assert convert(source) == (
        '{"common":[\n[4000,"Handle","objlnk","R",""],\n[5850,"On/Off","boolean","RW",""]],\n'
        '"objects":{\n"900":{\n'
        f'"1.9":["Pump","1.1","+!",{resources}],\n"1.10":["Pump","1.1","+!",{resources}]}}}}}}\n'
    )


def test_nothing_is_lost(source: Path) -> None:
    facts = json.loads(convert(source))

    [model] = parse_object_xml(_pump("1.9").encode())
    assert decode_object(900, "1.9", facts["objects"]["900"]["1.9"]) == model
    common = parse_common_xml(COMMON.encode())
    assert [decode_resource(row) for row in reversed(facts["common"])] == common


def test_shipped_file_is_in_the_converters_form() -> None:
    registry = load_registry()
    objects = [
        model
        for object_id in registry.object_ids()
        for version in registry.versions(object_id)
        if (model := registry.get(object_id, version))
    ]
    common = [resource for number in range(65535) if (resource := registry.common_resource(number))]

    text = encode_registry(reversed(objects), reversed(common))

    shipped = Path(load_registry.__code__.co_filename).with_name("registry.json")
    assert text == shipped.read_text(encoding="utf-8")
    assert len(common) == 171


def test_contradicting_files_are_named(source: Path) -> None:
    (source / "900.xml").write_text(_pump("1.10", units="l/s"), encoding="utf-8")

    with pytest.raises(ModelError, match=r"900-1_10\.xml: another file defines 900 1\.10 differ"):
        convert(source)


def test_broken_file_is_named(source: Path) -> None:
    (source / "900.xml").write_text("<LWM2M/>", encoding="utf-8")

    with pytest.raises(ModelError, match=r"900\.xml: the file defines no Object"):
        convert(source)
