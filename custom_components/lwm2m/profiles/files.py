"""The files of device profiles: those that ship, and the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import voluptuous as vol
import yaml

from ..const import DOMAIN, PROFILES_DIRECTORY
from ..user_files import async_report_broken
from .schema import read_profile, reasons

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .profile import Profile

SHIPPED = Path(__file__).parent / "boards"
SUFFIXES = (".yaml", ".yml")
MAX_FILE_SIZE = 256 * 1024
"""Bytes."""
MAX_REASONS = 5
"""How many mistakes of a file are told at once."""


async def async_load_profiles(hass: HomeAssistant) -> list[Profile]:
    """Return the profiles that ship and the user's, which count more.

    Called at every setup of a hub, so that a changed file counts after a reload. Each broken file
    becomes a repair issue.
    """
    directory = Path(hass.config.path(DOMAIN, PROFILES_DIRECTORY))
    shipped, _ = await hass.async_add_executor_job(load_directory, SHIPPED)  # whole: tests say so
    own, errors = await hass.async_add_executor_job(load_directory, directory)
    async_report_broken(hass, "broken_profile", directory, errors)
    return shipped + own


def load_directory(path: Path) -> tuple[list[Profile], dict[str, str]]:
    """Read a folder of profiles: the profiles, and file name -> why it was left out.

    Blocking: call in an executor. Files are read in the order of their names. A folder that does
    not exist is an empty one.
    """
    profiles: list[Profile] = []
    errors: dict[str, str] = {}
    try:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    except FileNotFoundError:
        return [], {}
    except OSError as err:
        return [], {"": f"the folder cannot be read: {err.strerror}"}
    for file in files:
        try:
            profiles.append(_read_file(file))
        except vol.Invalid as err:
            errors[file.name] = "\n".join(list(reasons(err))[:MAX_REASONS])
        except yaml.MarkedYAMLError as err:
            errors[file.name] = _place(err.problem_mark) + (err.problem or "this is no YAML")
        except yaml.YAMLError, UnicodeDecodeError:
            errors[file.name] = "the file is no text in UTF-8"
        except RecursionError:
            errors[file.name] = "what is in the file is nested too deeply"
        except OSError as err:
            errors[file.name] = f"the file cannot be read: {err.strerror}"
    return profiles, errors


def parse(text: str) -> Any:
    """Read YAML with the fast loader where there is one; yaml.YAMLError when it is none."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, loader)  # noqa: S506 - both are safe


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _read_file(file: Path) -> Profile:
    with file.open("rb") as stream:
        data = stream.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise vol.Invalid(f"the file is larger than {MAX_FILE_SIZE} bytes")
    return read_profile(file.name, parse(data.decode()))
