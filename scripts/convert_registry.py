"""Reduces a copy of the OMA LwM2M registry to the facts that this project ships.

Usage, from the repository's root: ``python -m scripts.convert_registry SOURCE_DIR``, where
SOURCE_DIR is a checkout of https://github.com/OpenMobileAlliance/lwm2m-registry. Descriptions are
left behind; NOTICE names the licences of what remains.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from custom_components.lwm2m.protocol.model import registry
from custom_components.lwm2m.protocol.model.compact import encode_registry
from custom_components.lwm2m.protocol.model.definitions import ModelError, ObjectModel
from custom_components.lwm2m.protocol.model.xml import parse_common_xml, parse_object_xml

_TARGET = Path(registry.__file__).with_name("registry.json")


def convert(source: Path) -> str:
    """Return the text of the shipped file for a copy of the registry.

    The registry keeps each object's newest version at its top and all versions in
    `version_history`. Raises ModelError, which names the file, for one that cannot be
    read or that contradicts another one.
    """
    objects: dict[tuple[int, str], ObjectModel] = {}
    for file in sorted([*source.glob("[0-9]*.xml"), *source.glob("version_history/*.xml")]):
        try:
            for model in parse_object_xml(file.read_bytes()):
                if objects.setdefault((model.id, model.version), model) != model:
                    raise ModelError(f"another file defines {model.id} {model.version} differently")
        except ModelError as err:
            raise ModelError(f"{file.relative_to(source)}: {err}") from err
    common = parse_common_xml((source / "Common.xml").read_bytes())
    return encode_registry(objects.values(), common)


def main() -> None:
    """Write the shipped file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="SOURCE_DIR")
    _TARGET.write_text(convert(parser.parse_args().source), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
