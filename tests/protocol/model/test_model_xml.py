"""A user's own object definitions: what is read, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from custom_components.lwm2m.protocol.model.definitions import (
    ModelError,
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.model.xml import (
    MAX_FILE_SIZE,
    load_models_directory,
    parse_common_xml,
    parse_object_xml,
)

XSI = "http://www.w3.org/2001/XMLSchema-instance"
PROFILES = "http://www.openmobilealliance.org/tech/profiles"


def item(
    number: object = 1,
    *,
    name: str = "Level",
    operations: str = "RW",
    instances: str = "Single",
    mandatory: str = "Optional",
    kind: str = "Integer",
    limits: str = "",
    units: str = "",
) -> str:
    """Write one resource's element."""
    return f"""
      <Item ID="{number}">
        <Name>{name}</Name>
        <Operations>{operations}</Operations>
        <MultipleInstances>{instances}</MultipleInstances>
        <Mandatory>{mandatory}</Mandatory>
        <Type>{kind}</Type>
        <RangeEnumeration>{limits}</RangeEnumeration>
        <Units>{units}</Units>
        <Description><![CDATA[Not <kept>.]]></Description>
      </Item>"""


def object_xml(
    *items: str,
    object_id: object = 33001,
    name: str = "Pump",
    versions: str = "<LWM2MVersion>1.1</LWM2MVersion><ObjectVersion>1.2</ObjectVersion>",
    instances: str = "Multiple",
    mandatory: str = "Optional",
) -> str:
    """Write one object's element."""
    return f"""
  <Object ObjectType="MODefinition">
    <Name>{name}</Name>
    <Description1>Not kept.</Description1>
    <ObjectID>{object_id}</ObjectID>
    <ObjectURN>urn:oma:lwm2m:x:{object_id}:1.2</ObjectURN>
    {versions}
    <MultipleInstances>{instances}</MultipleInstances>
    <Mandatory>{mandatory}</Mandatory>
    <Resources>{"".join(items)}</Resources>
    <Description2/>
  </Object>"""


def document(*objects: str, schema: str = "LWM2M-v1_1.xsd") -> str:
    """Write a whole file."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- a licence -->
<LWM2M xmlns:xsi="{XSI}" xsi:noNamespaceSchemaLocation="{PROFILES}/{schema}">
{"".join(objects or (object_xml(item()),))}
</LWM2M>"""


def parse_one(text: str) -> ObjectModel:
    """Read a file of one object."""
    [model] = parse_object_xml(text.encode())
    return model


def test_object_of_schema_1_1() -> None:
    model = parse_one(
        document(
            object_xml(
                item(7, name=" Flow\n rate ", operations="R", kind="Float", units="m3/s"),
                item(2, kind="Unsigned Integer", limits="0..9", mandatory="Mandatory"),
                item(3, operations="E", kind=""),
                item(4, operations="W", kind="Corelnk", instances="Multiple"),
                item(5, operations="", kind="String", limits="0..32 bytes"),
            )
        )
    )

    assert model == ObjectModel(
        id=33001,
        name="Pump",
        version="1.2",
        lwm2m_version="1.1",
        multiple=True,
        mandatory=False,
        resources={
            2: ResourceModel(
                id=2,
                name="Level",
                type=ResourceType.UNSIGNED_INTEGER,
                operations=Operations.READ | Operations.WRITE,
                mandatory=True,
                minimum=0,
                maximum=9,
            ),
            3: ResourceModel(
                id=3, name="Level", type=ResourceType.NONE, operations=Operations.EXECUTE
            ),
            4: ResourceModel(
                id=4,
                name="Level",
                type=ResourceType.CORELNK,
                operations=Operations.WRITE,
                multiple=True,
            ),
            5: ResourceModel(
                id=5,
                name="Level",
                type=ResourceType.STRING,
                operations=Operations.NONE,
                max_length=32,
            ),
            7: ResourceModel(
                id=7,
                name="Flow rate",
                type=ResourceType.FLOAT,
                operations=Operations.READ,
                unit="m3/s",
            ),
        },
    )
    assert list(model.resources) == [2, 3, 4, 5, 7]


@pytest.mark.parametrize(
    "versions", ["", "<LWM2MVersion></LWM2MVersion><ObjectVersion> </ObjectVersion>"]
)
def test_object_of_schema_1_0_without_versions_is_1_0(versions: str) -> None:
    model = parse_one(document(object_xml(item(), versions=versions), schema="LWM2M.xsd"))

    assert (model.version, model.lwm2m_version) == ("1.0", "1.0")


def test_several_objects_in_one_file() -> None:
    text = document(object_xml(item(), object_id=33001), object_xml(item(), object_id=33002))

    assert [model.id for model in parse_object_xml(text.encode())] == [33001, 33002]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", 'encoding="UTF-8"'),
        ("utf-8-sig", 'encoding="UTF-8"'),
        ("utf-8-sig", ""),
        ("utf-16", 'encoding="UTF-16"'),
        ("iso-8859-1", 'encoding="ISO-8859-1"'),
        ("windows-1252", 'encoding="windows-1252"'),
    ],
)
def test_encodings(encoding: str, declared: str) -> None:
    text = document(object_xml(item(name="Größe"))).replace('encoding="UTF-8"', declared)

    [model] = parse_object_xml(text.encode(encoding))

    assert model.resources[1].name == "Größe"


def test_types_are_read_in_any_case() -> None:
    model = parse_one(document(object_xml(item(kind="CoreLnk"))))

    assert model.resources[1].type is ResourceType.CORELNK


def test_executable_has_no_type() -> None:
    model = parse_one(document(object_xml(item(operations="E", kind="String"))))

    assert model.resources[1].type is ResourceType.NONE


BROKEN = {
    "not well-formed XML: no element found": "",
    "not well-formed XML: syntax error: line 1": "hello",
    "not well-formed XML: mismatched tag": "<LWM2M><Object></LWM2M>",
    "not well-formed XML: undefined entity": "<LWM2M>&company;</LWM2M>",
    "the root element is <DDFList>, not <LWM2M>": "<DDFList/>",
    "the file defines no Object": "<LWM2M/>",
    "33001 version 1.2 is defined twice": document(object_xml(item()), object_xml(item())),
    "ObjectID is '', not a number": document(object_xml(item(), object_id="")),
    "ObjectID is 'x1', not a number": document(object_xml(item(), object_id="x1")),
    "ObjectID is '65535', not a number": document(object_xml(item(), object_id=65535)),
    "ObjectID is '-1', not a number": document(object_xml(item(), object_id=-1)),
    "object 33001: Name is missing": document(object_xml(item(), name="")),
    "object 33001: it has no resources": document(object_xml()),
    "object 33001: MultipleInstances is 'No'": document(object_xml(item(), instances="No")),
    "object 33001: Mandatory is ''": document(object_xml(item(), mandatory="")),
    "object 33001: ObjectVersion: 'two' is not a version": document(
        object_xml(item(), versions="<ObjectVersion>two</ObjectVersion>")
    ),
    "object 33001: resource 1 is defined twice": document(object_xml(item(1), item(1))),
    "object 33001: a resource's ID is '', not a number": document(object_xml(item(""))),
    "object 33001: a resource's ID is '70000'": document(object_xml(item(70000))),
    "object 33001: resource 1: Name is missing": document(object_xml(item(name=" "))),
    "object 33001: resource 1: Type is 'Int', not one of: string, integer, unsigned": document(
        object_xml(item(kind="Int"))
    ),
    "resource 1: Operations is 'RWE', not one of: r, w, rw, e": document(
        object_xml(item(operations="RWE"))
    ),
    "resource 1: MultipleInstances is '1'": document(object_xml(item(instances="1"))),
    "resource 1: Type is missing": document(object_xml(item().replace("Type>", "Kind>"))),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_broken_file_is_refused_with_its_reason(reason: str) -> None:
    with pytest.raises(ModelError) as error:
        parse_object_xml(BROKEN[reason].encode())

    assert reason in str(error.value)


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "shift-jis", "undefined", "utf-7"])
def test_encodings_that_are_not_read_are_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><LWM2M/>'

    with pytest.raises(ModelError, match="not well-formed XML"):
        parse_object_xml(text.encode())


DOCUMENT_TYPES = {
    "billion laughs": """<!DOCTYPE LWM2M [
        <!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">
        ]><LWM2M>&c;</LWM2M>""",
    "external": '<!DOCTYPE LWM2M SYSTEM "http://example.com/x.dtd"><LWM2M/>',
    "empty": "<!DOCTYPE LWM2M><LWM2M/>",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("form", DOCUMENT_TYPES)
def test_document_type_is_refused(form: str, encoding: str) -> None:
    with pytest.raises(ModelError, match="a document type declaration is not allowed"):
        parse_object_xml(DOCUMENT_TYPES[form].encode(encoding))


def test_size_is_bounded() -> None:
    with pytest.raises(ModelError, match="larger than"):
        parse_object_xml(document().encode() + b" " * MAX_FILE_SIZE)


def test_deep_nesting_is_refused_without_harm() -> None:
    depth = MAX_FILE_SIZE // 7 - 10

    with pytest.raises(ModelError, match="no Object"):
        parse_object_xml(b"<LWM2M>" + b"<a>" * depth + b"</a>" * depth + b"</LWM2M>")


def test_reusable_resources() -> None:
    def reusable(text: str) -> str:
        for tag in ("MultipleInstances", "Mandatory"):
            start, end = text.index(f"<{tag}>"), text.index(f"</{tag}>")
            text = text[:start] + text[end + len(tag) + 3 :]
        return text

    items = [
        reusable(item(5700, name="Sensor Value", operations="R", kind="Float", units="\n  ")),
        reusable(item(5605, name="Reset", operations="E", kind="")),
        reusable(item(4020, name="TBD", operations="", kind="")),
    ]
    text = f"<LWM2M><Object ObjectType='x'><Resources>{''.join(items)}</Resources></Object></LWM2M>"

    assert parse_common_xml(text.encode()) == [
        ResourceModel(
            id=5700, name="Sensor Value", type=ResourceType.FLOAT, operations=Operations.READ
        ),
        ResourceModel(id=5605, name="Reset", type=ResourceType.NONE, operations=Operations.EXECUTE),
    ]


def test_directory_names_broken_files_and_loads_the_others(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    write("1-good.xml", document(object_xml(item(), object_id=33001)))
    write("2-broken.xml", "<LWM2M>")
    write("3-good.XML", document(object_xml(item(), object_id=33002)))
    write("4-again.xml", document(object_xml(item(), object_id=33001)))
    write("5-large.xml", document() + " " * MAX_FILE_SIZE)
    write("notes.txt", "not looked at")
    (tmp_path / "6-folder.xml").mkdir()

    models, errors = load_models_directory(tmp_path)

    assert [model.id for model in models] == [33001, 33002]
    assert errors == {
        "2-broken.xml": "not well-formed XML: no element found: line 1, column 7",
        "4-again.xml": "another file defines object 33001 version 1.2",
        "5-large.xml": f"the file is larger than {MAX_FILE_SIZE} bytes",
    }


def test_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked.xml").write_text(document(), encoding="utf-8")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    reason = "the file cannot be read: Permission denied"
    assert load_models_directory(tmp_path) == ([], {"locked.xml": reason})


def test_missing_directory_is_empty(tmp_path: Path) -> None:
    assert load_models_directory(tmp_path / "lwm2m") == ([], {})


def test_own_file_overrides_the_shipped_object(tmp_path: Path) -> None:
    own = object_xml(item(5700, name="Water"), object_id=3303, name="Boiler", versions="")
    (tmp_path / "3303.xml").write_text(document(own), encoding="utf-8")
    registry = load_registry()

    models, _ = load_models_directory(tmp_path)
    for model in models:
        registry.add(model)

    boiler = registry.get(3303)
    assert boiler is not None
    assert boiler.name == "Boiler"
    assert boiler.resources[5700].type is ResourceType.INTEGER
