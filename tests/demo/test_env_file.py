"""The variables that a project keeps beside its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.env_file import with_env_file
from engine.errors import ConfigErrors


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> dict[str, str]:
    (folder / ".env").write_text(text)
    (folder / ".env").chmod(0o600)
    return dict(with_env_file(folder, environ or {}, pytest.fail))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=b=c==", "b=c=="),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("A='b # c'", "b # c"),
        ('A="b c"  # why', "b c"),
        ("A=b # why", "b"),
        ("A=$HOME", "$HOME"),
        ("A=", ""),
        ("A=b c", "b c"),
    ],
)
def test_a_line_is_a_variable(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# about A\n\n{line}\n") == {"A": value}


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "A=file\nB=file\n", {"A": "process"}) == {"A": "process", "B": "file"}


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    given = {"A": "b"}
    assert with_env_file(tmp_path, given, pytest.fail) is given


def test_every_line_that_is_none_is_told_and_no_value_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        read(tmp_path, "A=1\nsecret-without-a-name\nB='hidden-value\n2C=hidden-value\n")
    assert [error.line for error in caught.value.errors] == [2, 3, 4]
    assert "hidden" not in str(caught.value)
    assert "secret-without" not in str(caught.value)


def test_a_file_that_is_not_text_is_one_clear_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigErrors, match="cannot be read"):
        with_env_file(tmp_path, {}, pytest.fail)


def test_a_file_open_to_others_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b\n")
    (tmp_path / ".env").chmod(0o644)
    said: list[str] = []
    assert with_env_file(tmp_path, {}, said.append)["A"] == "b"
    assert len(said) == 1
    assert "chmod 600" in said[0]
