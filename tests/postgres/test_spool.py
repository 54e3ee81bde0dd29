"""The spool's own suite, with its table on PostgreSQL as a user names it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from engine.clock import ManualClock
from engine.store import streams
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import SpoolReader
from tests.postgres.conftest import Node
from tests.spool.conftest import START, Bench, Reports, append
from tests.spool.test_spool import (
    test_a_batch_is_bounded_in_bytes,
    test_answers_follow_the_commit,
    test_one_commit_serves_all_who_wait,
    test_only_rows_consumed_and_old_are_pruned,
    test_pruning_many_rows_takes_several_transactions_and_counts_right,
    test_reading_on_from_a_row,
)
from tests.spool.test_trouble import (
    test_at_its_size_the_spool_refuses_and_resumes_below_it,
    test_closing_writes_what_is_queued_and_refuses_the_rest,
    test_many_threads_at_once,
    test_too_many_bytes_waiting_are_shed_at_once,
    test_too_many_waiting_are_shed_at_once,
    test_what_waited_too_long_is_not_written_behind_the_senders_back,
)

__all__ = [
    "test_a_batch_is_bounded_in_bytes",
    "test_answers_follow_the_commit",
    "test_at_its_size_the_spool_refuses_and_resumes_below_it",
    "test_closing_writes_what_is_queued_and_refuses_the_rest",
    "test_many_threads_at_once",
    "test_one_commit_serves_all_who_wait",
    "test_only_rows_consumed_and_old_are_pruned",
    "test_pruning_many_rows_takes_several_transactions_and_counts_right",
    "test_reading_on_from_a_row",
    "test_too_many_bytes_waiting_are_shed_at_once",
    "test_too_many_waiting_are_shed_at_once",
    "test_what_waited_too_long_is_not_written_behind_the_senders_back",
]


@dataclass
class SharedBench(Bench):
    """A bench that gives back every connection: here each one is a server's."""

    readers: list[SpoolReader] = field(default_factory=list)

    def reader(self) -> SpoolReader:
        self.readers.append(super().reader())
        return self.readers[-1]


@pytest.fixture
def bench(postgres_url: str) -> Iterator[Bench]:
    place = SpoolPlace(url=postgres_url, busy_seconds=2.0)
    made = SharedBench(place, ManualClock(START), Reports())
    yield made
    for spool in made.spools:
        spool.close()
    for reader in made.readers:
        reader.close()


def test_the_spool_lies_beside_the_store_and_waits_for_none_of_its_writers(
    bench: Bench, node: Node
) -> None:
    store = node()
    spool = bench.spool()
    with store.write() as tx:
        streams.put_meta(tx, "a", "1")
        append(spool, "told while the engine writes")
    assert bench.keys() == ["told while the engine writes"]
