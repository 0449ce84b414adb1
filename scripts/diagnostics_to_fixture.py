"""Turns the diagnostics of a device into a fixture for the tests.

Usage, from the repository's root: ``python -m scripts.diagnostics_to_fixture FILE NAME``, where
FILE is what *Download diagnostics* of a device gave, and NAME the kind of board, such as
nrf91-thingy. It writes tests/fixtures/devices/NAME.json.

Diagnostics leave out what is personal. Those texts become empty, numbers zero, opaque values zeros
of the same length: look at the result, and make up better ones.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "devices"
REDACTED = "**REDACTED**"
SINGLE_VALUED = (0, 42)
"""Plain text and opaque, which no device announces."""
LWM2M_1_0 = (11542,)
ALL = (112, 110, 11542)
"""What a device knows that announces nothing, the one it likes best first."""
MADE_UP: dict[str, Any] = {
    "integer": 0,
    "unsigned_integer": 0,
    "float": 0.0,
    "boolean": False,
    "time": "1970-01-01T00:00:00+00:00",
    "objlnk": "65535:65535",
    "opaque": "",
}


def make_fixture(file: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """Return the fixture of a device under another endpoint name.

    KeyError when the file is no diagnostics of a device, or when it was not registered.
    """
    device = file["data"]["device"]
    registration = device["registration"] or {}
    version = registration["lwm2m"]
    announced = [number for number in ALL if number in registration["content_formats"]]
    formats = announced or (LWM2M_1_0 if version == "1.0" else ALL)
    return {
        "source": f"Diagnostics of version {file['integration_manifest']['version']}. "
        "What they leave out is made up.",
        "register": {
            "query": _query(registration, endpoint),
            "payload": _links(registration, device["objects"], announced),
        },
        "formats": [*formats, *SINGLE_VALUED],
        "values": {
            path: _value(resource)
            for path, resource in device["resources"].items()
            if "value" in resource or resource.get("type") == "none"
        },
    }


def _query(registration: dict[str, Any], endpoint: str) -> list[str]:
    query = [f"lwm2m={registration['lwm2m']}", f"ep={endpoint}", f"lt={registration['lifetime']}"]
    query.append(f"b={registration['binding']}")
    if registration["queue_mode"] and "Q" not in registration["binding"]:
        query.append("Q")
    return query


def _links(registration: dict[str, Any], objects: dict[str, Any], formats: list[int]) -> str:
    links = ['</>;rt="oma.lwm2m"' + (f';ct="{" ".join(map(str, formats))}"' if formats else "")]
    for number in sorted(objects, key=int):
        instances = [path for path in registration["instances"] if path.split("/")[1] == number]
        version = registration["versions"].get(number)
        if version or not instances:
            links.append(f"</{number}>" + (f";ver={version}" if version else ""))
        links += [f"<{path}>" for path in instances]
    return ",".join(links)


def _value(resource: dict[str, Any]) -> Any:
    """Return what a fixture says of a resource: its value, or null where it is executable."""
    kind, value = resource.get("type"), resource.get("value")
    if isinstance(value, dict) and value.keys() != {"bytes"}:
        return {instance: _scalar(each, kind) for instance, each in value.items()}
    return _scalar(value, kind)


def _scalar(value: Any, kind: str | None) -> Any:
    match value:
        case {"bytes": int(length)}:
            return base64.b64encode(bytes(length)).decode()
        case str() if value == REDACTED:
            return MADE_UP.get(kind or "", "")
        case _:
            return value


def main() -> None:
    """Write the fixture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("name", metavar="NAME")
    arguments = parser.parse_args()
    fixture = make_fixture(json.loads(arguments.file.read_text()), arguments.name)
    target = FOLDER / f"{arguments.name}.json"
    target.write_text(json.dumps(fixture, indent=2, ensure_ascii=False) + "\n")
    print(f"Wrote {target}.")


if __name__ == "__main__":
    main()
