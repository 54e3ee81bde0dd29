from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cli_kit import Cli, make_project


@pytest.fixture
def project(tmp_path: Path) -> Cli:
    return make_project(tmp_path / "acme")
