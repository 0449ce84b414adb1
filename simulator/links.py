"""The links that a board tells about itself, in the CoRE Link Format (RFC 6690)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.path import Path

    from .board import Board


def register_links(board: Board) -> str:
    """Return the links of Register (OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1).

    An object's own link is there to say its version, or that it has no instance.
    """
    if board.settings.links:
        return board.settings.links
    root = board.settings.root_path
    links = [f'<{root or "/"}>;rt="oma.lwm2m"']
    if formats := board.settings.announced_formats:
        links[0] += f';ct="{" ".join(str(int(number)) for number in formats)}"'
    for object_id in board.object_ids:
        instances = [path for path in board.instances if path.object_id == object_id]
        version = _version(board, object_id)
        if version or not instances:
            links.append(f"<{root}/{object_id}>{version}")
        links += [f"<{root}{instance}>" for instance in instances]
    return ",".join(links)


def discover_links(board: Board, path: Path) -> str:
    """Return the links of Discover (OMA-TS-LightweightM2M_Core-V1_1_1 6.3.2)."""
    root = board.settings.root_path
    links = []
    if len(path) == 1:
        links.append(f"<{root}{path}>{_version(board, path.object_id)}{_attributes(board, path)}")
    for instance in board.instances:
        if path.covers(instance):
            links.append(f"<{root}{instance}>{_attributes(board, instance)}")
        links += [
            f"<{root}{resource}>{_dimension(board, resource)}{_attributes(board, resource)}"
            for resource in board.resources(instance)
            if path.resource.covers(resource)
        ]
    return ",".join(links)


def _version(board: Board, object_id: int) -> str:
    version = board.blueprint.versions.get(object_id)
    return f";ver={version}" if version else ""


def _dimension(board: Board, resource: Path) -> str:
    value = None if board.action(resource) else board.value(resource)
    return f";dim={len(value)}" if isinstance(value, dict) else ""


def _attributes(board: Board, path: Path) -> str:
    written = board.attributes.get(path, {})
    return "".join(f";{name}={value}" for name, value in written.items())
