"""Reading a spool whose writer is in the middle of something."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from engine.store import spool_reader
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import SpoolReader


def failing_with(code: int):
    """A look at the file that SQLite answers with this result code."""

    class Inspector:
        def has_table(self, name: str) -> bool:
            problem = sqlite3.OperationalError("no")
            problem.sqlite_errorcode = code
            raise OperationalError(name, None, problem)

    return lambda _connection: Inspector()


@pytest.fixture
def reader(tmp_path: Path) -> SpoolReader:
    file = tmp_path / "spool.db"
    sqlite3.connect(file).close()
    file.touch()
    return SpoolReader(SpoolPlace(file=file))


def test_a_file_left_half_made_is_empty_until_its_writer_is_back(
    reader: SpoolReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_initialise = sqlite3.SQLITE_READONLY | (5 << 8)
    monkeypatch.setattr(spool_reader, "inspect", failing_with(cannot_initialise))
    assert reader.rows_after(0, 10) == ()
    assert (reader.count_after(0), reader.last_seq()) == (0, 0)


def test_a_file_that_is_no_database_is_not_taken_for_an_empty_one(
    reader: SpoolReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_reader, "inspect", failing_with(sqlite3.SQLITE_CORRUPT))
    with pytest.raises(OperationalError):
        reader.rows_after(0, 10)
