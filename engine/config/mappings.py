"""Finds and compiles the mapping files of a project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.config.problems import Problems
from engine.config.yaml import Document, KeyPath, read_document
from engine.errors import ConfigError, ConfigErrors
from engine.mapping.compile import NOTHING, compile_mapping
from engine.mapping.compiled import MappingProgram
from engine.mapping.nearest import nearest
from engine.mapping.values import ValueMap

FOLDER: Final = "mappings"


class Mappings:
    """The mapping files of one project, each read once."""

    def __init__(
        self, folder: Path, problems: Problems, shared: Mapping[str, ValueMap] = NOTHING
    ) -> None:
        self._shared = shared
        self._folder = folder
        self._problems = problems
        self._read: dict[str, MappingProgram | None] = {}

    def get(self, name: str, document: Document, path: KeyPath) -> MappingProgram | None:
        """The mapping a sync names at ``path``; faults go to the problems, once per file."""
        if name not in self._read:
            if not (self._folder / FOLDER / f"{name}.yaml").exists():
                self._problems.at(
                    document,
                    path,
                    f"there is no mapping file {FOLDER}/{name}.yaml",
                    nearest(name, mapping_names(self._folder)),
                )
                self._read[name] = None
            else:
                self._read[name] = read_mapping(self._folder, name, self._problems, self._shared)
        return self._read[name]


def mapping_names(folder: Path) -> list[str]:
    """The names of all mapping files of a project, sorted."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.yaml"))


def read_mapping(
    folder: Path, name: str, problems: Problems, shared: Mapping[str, ValueMap] = NOTHING
) -> MappingProgram | None:
    """Read and compile one mapping file of a project."""
    shown = f"{FOLDER}/{name}.yaml"
    path = folder / FOLDER / f"{name}.yaml"
    try:
        inside = path.resolve().is_relative_to((folder / FOLDER).resolve())
        outside_folder = not (folder / FOLDER).resolve().is_relative_to(folder.resolve())
        if not inside or outside_folder or path.is_symlink():
            raise ConfigError(
                shown, 0, 0, "the file leads out of the project", "put the file itself there"
            )
        document = read_document(path, shown)
    except ConfigError as fault:
        problems.add(fault)
        return None
    mapping = compile_mapping(document, problems, shared)
    if mapping is not None and mapping.name != name:
        problems.at(
            document,
            ("mapping",),
            f"the mapping calls itself `{mapping.name}` but its file is {name}.yaml",
            f"write `mapping: {name}`",
        )
    return mapping


def load_mapping(folder: Path, name: str) -> MappingProgram:
    """One mapping of a project, for its examples. Raises :class:`ConfigErrors`."""
    problems = Problems()
    mapping = read_mapping(folder, name, problems)
    problems.raise_any()
    if mapping is None:
        raise ConfigErrors([ConfigError(f"{FOLDER}/{name}.yaml", 0, 0, "cannot be read")])
    return mapping
