"""A project's ``.env``: variables kept beside ``revline.yaml`` instead of in a shell's profile.

One ``NAME=value`` per line, ``export`` before it and quotes around the value allowed; nothing is
expanded or executed. What the process was given wins over what the file says.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from engine.errors import ConfigError, ConfigErrors

ENV_FILE: Final = ".env"
_LINE: Final = re.compile(
    r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*="
    r"\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<plain>[^'\"\s#][^#]*?)?)\s*(?:\s#.*)?"
)


def with_env_file(
    folder: Path, environ: Mapping[str, str], warn: Callable[[str], None]
) -> Mapping[str, str]:
    """The environment, with what the folder's ``.env`` adds to it.

    Raises :class:`~engine.errors.ConfigErrors` for lines that cannot be read; never shows a value.
    """
    file = folder / ENV_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return environ
    except (OSError, UnicodeDecodeError):
        fault = ConfigError(ENV_FILE, 0, 0, "the file cannot be read", "is it UTF-8, and yours?")
        raise ConfigErrors([fault]) from None
    if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{file} holds secrets and can be read by other users: chmod 600 {file}")
    return {**_variables(text), **environ}


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        parts = _LINE.fullmatch(written)
        if parts is None:
            hint = "write NAME=value, with quotes around a value that holds spaces, # or quotes"
            faults.append(ConfigError(ENV_FILE, number, 1, "the line is not a variable", hint))
            continue
        value = parts["single"] or parts["double"] or parts["plain"] or ""
        found[parts["name"]] = value
    if faults:
        raise ConfigErrors(faults)
    return found
