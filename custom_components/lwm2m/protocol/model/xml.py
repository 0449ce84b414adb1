"""Reads object definitions in the OMA's XML: the registry's files and a user's own.

Both forms are read: LWM2M.xsd 1.0.1 (2017-01-14), and LWM2M-v1_1.xsd (2018-07-10), which adds the
types Unsigned Integer and Corelnk; https://www.openmobilealliance.org/tech/profiles has them.
"""

from __future__ import annotations

from io import BytesIO
import re
from typing import TYPE_CHECKING, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ..path import MAX_ID
from .definitions import (
    INITIAL_VERSION,
    ModelError,
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
    parse_version,
)
from .ranges import read_range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILE_SIZE = 1024 * 1024
"""Bytes; the registry's largest object takes 33 KiB, its list of reusable resources 96 KiB."""

_ID = re.compile(r"[0-9]{1,5}")

_MULTIPLE = {"single": False, "multiple": True}
_MANDATORY = {"optional": False, "mandatory": True}
_OPERATIONS = {
    "": Operations.NONE,
    "r": Operations.READ,
    "w": Operations.WRITE,
    "rw": Operations.READ | Operations.WRITE,
    "e": Operations.EXECUTE,
}
_TYPES = {
    "": ResourceType.NONE,
    "string": ResourceType.STRING,
    "integer": ResourceType.INTEGER,
    "unsigned integer": ResourceType.UNSIGNED_INTEGER,
    "float": ResourceType.FLOAT,
    "boolean": ResourceType.BOOLEAN,
    "opaque": ResourceType.OPAQUE,
    "time": ResourceType.TIME,
    "objlnk": ResourceType.OBJLNK,
    "corelnk": ResourceType.CORELNK,
}


def parse_object_xml(data: bytes) -> list[ObjectModel]:
    """Read every object of one definition file.

    Raises ModelError when the file is too large, is not XML, declares a DTD, or does not follow
    the schema where it matters. A missing version is 1.0, as the schema's elements are optional.
    """
    objects: dict[tuple[int, str], ObjectModel] = {}
    for element in _parse(data).iterfind("Object"):
        model = _read_object(element)
        if (model.id, model.version) in objects:
            raise ModelError(f"object {model.id} version {model.version} is defined twice")
        objects[model.id, model.version] = model
    if not objects:
        raise ModelError("the file defines no Object")
    return list(objects.values())


def parse_common_xml(data: bytes) -> list[ResourceModel]:
    """Read the registry's list of reusable resources, which belong to no object.

    Reserved IDs, which have neither a type nor an operation yet, are left out. Raises ModelError.
    Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.3.2, "Reusable Resources".
    """
    resources = [_read_resource(item, reusable=True) for item in _parse(data).iter("Item")]
    return [
        resource
        for resource in resources
        if resource.operations or resource.type is not ResourceType.NONE
    ]


def load_models_directory(path: Path) -> tuple[list[ObjectModel], dict[str, str]]:
    """Read a folder of definition files: the models, and file name -> why it was left out.

    Blocking: call in an executor. Files are read in the order of their names and an object version
    that an earlier file has defined is refused. A folder that does not exist is an empty one; one
    that cannot be listed raises OSError.
    """
    models: dict[tuple[int, str], ObjectModel] = {}
    errors: dict[str, str] = {}
    try:
        files = sorted(
            file for file in path.iterdir() if file.suffix.lower() == ".xml" and file.is_file()
        )
    except FileNotFoundError:
        files = []
    for file in files:
        try:
            found = {(model.id, model.version): model for model in _read_file(file)}
            for object_id, version in found.keys() & models.keys():
                raise ModelError(f"another file defines object {object_id} version {version}")
        except ModelError as err:
            errors[file.name] = str(err)
        except OSError as err:
            errors[file.name] = f"the file cannot be read: {err.strerror}"
        else:
            models |= found
    return list(models.values()), errors


def _read_file(file: Path) -> list[ObjectModel]:
    with file.open("rb") as stream:
        return parse_object_xml(stream.read(MAX_FILE_SIZE + 1))


def _parse(data: bytes) -> Element:
    """Parse XML without a DTD.

    No DTD means no entities to expand, so none of the known attacks on XML parsers has a start.
    ElementTree's own parser offers no way to refuse one, hence expat.
    """
    if len(data) > MAX_FILE_SIZE:
        raise ModelError(f"the file is larger than {MAX_FILE_SIZE} bytes")
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.ParseFile(BytesIO(data))
    except (expat.ExpatError, LookupError, ValueError) as err:
        raise ModelError(f"not well-formed XML: {err}") from err
    root: Element = builder.close()
    if root.tag != "LWM2M":
        raise ModelError(f"the root element is <{root.tag}>, not <LWM2M>")
    return root


def _refuse_doctype(*_: object) -> NoReturn:
    raise ModelError("a document type declaration is not allowed")


def _read_object(element: Element) -> ObjectModel:
    object_id = _read_id(_text(element, "ObjectID"), "ObjectID")
    try:
        resources: dict[int, ResourceModel] = {}
        for item in element.iterfind("Resources/Item"):
            resource = _read_resource(item)
            if resource.id in resources:
                raise ModelError(f"resource {resource.id} is defined twice")
            resources[resource.id] = resource
        if not resources:
            raise ModelError("it has no resources")
        return ObjectModel(
            id=object_id,
            name=_read_name(element),
            version=_read_version(element, "ObjectVersion"),
            lwm2m_version=_read_version(element, "LWM2MVersion"),
            multiple=_read_choice(element, "MultipleInstances", _MULTIPLE),
            mandatory=_read_choice(element, "Mandatory", _MANDATORY),
            resources=dict(sorted(resources.items())),
        )
    except ModelError as err:
        raise ModelError(f"object {object_id}: {err}") from err


def _read_resource(item: Element, *, reusable: bool = False) -> ResourceModel:
    resource_id = _read_id(item.get("ID", ""), "a resource's ID")
    try:
        operations = _read_choice(item, "Operations", _OPERATIONS)
        kind = _read_choice(item, "Type", _TYPES)
        if operations is Operations.EXECUTE:
            # An executable has no value, whatever type its author gave it.
            kind = ResourceType.NONE
        limits = read_range(kind, item.findtext("RangeEnumeration") or "")
        return ResourceModel(
            id=resource_id,
            name=_read_name(item),
            type=kind,
            operations=operations,
            multiple=not reusable and _read_choice(item, "MultipleInstances", _MULTIPLE),
            mandatory=not reusable and _read_choice(item, "Mandatory", _MANDATORY),
            unit=_text(item, "Units") or None,
            minimum=limits.minimum,
            maximum=limits.maximum,
            enumeration=limits.enumeration,
            max_length=limits.max_length,
        )
    except ModelError as err:
        raise ModelError(f"resource {resource_id}: {err}") from err


def _text(element: Element, tag: str) -> str:
    return " ".join((element.findtext(tag) or "").split())


def _read_name(element: Element) -> str:
    if name := _text(element, "Name"):
        return name
    raise ModelError("Name is missing")


def _read_id(text: str, what: str) -> int:
    if not _ID.fullmatch(text) or int(text) > MAX_ID:
        raise ModelError(f"{what} is {text!r}, not a number from 0 to {MAX_ID}")
    return int(text)


def _read_version(element: Element, tag: str) -> str:
    version = _text(element, tag) or INITIAL_VERSION
    try:
        parse_version(version)
    except ModelError as err:
        raise ModelError(f"{tag}: {err}") from None
    return version


def _read_choice[T](element: Element, tag: str, choices: Mapping[str, T]) -> T:
    if element.find(tag) is None:
        raise ModelError(f"{tag} is missing")
    text = _text(element, tag)
    try:
        return choices[text.lower()]
    except KeyError:
        allowed = ", ".join(filter(None, choices))
        raise ModelError(f"{tag} is {text!r}, not one of: {allowed}") from None
