"""Gathering single values into a `Decoded`, and checking `Values` before they are encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..node import Decoded, Scalar, Value, Values
from .base import CodecError, Scope
from .typed import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model.definitions import ResourceModel
    from ..path import Path


type _Found = tuple[ResourceModel | None, dict[int | None, Scalar]]
"""A resource's model, and its values by resource instance ID, None where there is no ID."""


class Collector[Raw]:
    """Gathers what a payload says, each value typed and shaped by the model.

    `read` turns one raw value into the model's type and raises ValueError with the reason
    when it does not fit: such a value is rejected, the others stay.
    """

    __slots__ = ("_ambiguous", "_found", "_read", "_rejected", "_scope")

    def __init__(self, scope: Scope, read: Callable[[Raw, ResourceModel | None], Scalar]) -> None:
        """Start empty."""
        self._scope = scope
        self._read = read
        self._found: dict[Path, _Found] = {}
        self._ambiguous: set[Path] = set()
        self._rejected: dict[Path, str] = {}

    def add(self, path: Path, raw: Raw) -> None:
        """Take the value of a resource or of a resource instance.

        A resource with two values for one place is rejected, for nobody knows which holds
        (Leshan refuses the payload; the specifications leave it open). CodecError when the
        path is outside the request's.
        """
        self._check(path)
        resource = path.resource
        found = self._found.get(resource)
        model = self._scope.type_of(resource) if found is None else found[0]
        try:
            value = self._read(raw, model)
        except ValueError as err:
            self._rejected[resource] = str(err)
            return
        place = path.resource_instance_id if len(path) == 4 else None
        if found is None:
            self._found[resource] = model, {place: value}
            return
        instances = found[1]
        if place in instances or (instances and (place is None or None in instances)):
            self._ambiguous.add(resource)
        instances[place] = value

    def add_empty(self, path: Path) -> None:
        """Take a multiple resource without instances; CodecError as `add`."""
        self._check(path)
        if path not in self._found:
            self._found[path] = self._scope.type_of(path), {}

    def reject(self, path: Path, reason: str) -> None:
        """Keep a value out; CodecError when the path is outside the request's."""
        self._check(path)
        self._rejected[path.resource] = reason

    def decoded(self) -> Decoded:
        """Give all that was gathered."""
        values: Values = {}
        for resource in self._ambiguous:
            self._rejected[resource] = "two values for one place"
            del self._found[resource]
        for resource, (model, instances) in self._found.items():
            try:
                values[resource] = _shape(instances, model)
            except ValueError as err:
                self._rejected[resource] = str(err)
        return Decoded(values, self._rejected)

    def _check(self, path: Path) -> None:
        if not self._scope.path.covers(path):
            raise CodecError(f"{path} is outside of {self._scope.path}")


def _shape(instances: dict[int | None, Scalar], model: ResourceModel | None) -> Value:
    """Give one value or a mapping, as the model says, for devices mix them up.

    Zephyr sent a multiple resource with one instance as a single value (zephyr#36657).
    Raises ValueError when several values stand for one.
    """
    if None in instances:
        return {0: instances[None]} if model and model.multiple else instances[None]
    several = {key: value for key, value in instances.items() if key is not None}
    if model is None or model.multiple:
        return several
    if len(several) != 1:
        raise ValueError(f"{len(several)} instances of a single resource")
    return several.popitem()[1]


def resource_path(scope: Scope) -> Path:
    """Give the request's path to a format that needs it; CodecError when it names no resource."""
    if len(scope.path) < 3:
        raise CodecError(f"{scope.path} names no resource, and neither does this format")
    return scope.path


def single(values: Values, scope: Scope) -> Scalar:
    """Give the one value that a format without paths carries; CodecError when it is not one."""
    path = resource_path(scope)
    if len(values) == 1:
        (value,) = checked(values, scope).values()
        if not isinstance(value, dict):
            return value
        if len(path) == 4:
            return value[path.resource_instance_id]
    raise CodecError("this format carries one value")


def checked(values: Values, scope: Scope) -> Values:
    """Fit values to their models before encoding.

    CodecError when one does not fit, is not single or multiple as the model says, or is
    not what the request's path names.
    """
    return {path: _checked(path, value, scope) for path, value in values.items()}


def _checked(path: Path, value: Value, scope: Scope) -> Value:
    if len(path) != 3 or not scope.path.resource.covers(path):
        raise CodecError(f"{path} is no resource of {scope.path}")
    model = scope.type_of(path)
    if model and isinstance(value, dict) != model.multiple:
        raise CodecError(f"{path} is {'multiple' if model.multiple else 'single'}")
    if len(scope.path) == 4 and (
        not isinstance(value, dict) or value.keys() != {scope.path.resource_instance_id}
    ):
        raise CodecError(f"{path} is more than {scope.path}")
    try:
        if isinstance(value, dict):
            return {
                (path / key).resource_instance_id: _encodable(instance, model)
                for key, instance in value.items()
            }
        return _encodable(value, model)
    except ValueError as err:
        raise CodecError(f"{path}: {err}") from err


def _encodable(value: Scalar, model: ResourceModel | None) -> Scalar:
    fitted = fit(value, model)
    if isinstance(fitted, str):
        fitted.encode()  # a lone surrogate is no UTF-8
    return fitted
