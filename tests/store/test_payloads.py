"""The payload store: who can read what, and what nobody can read any more."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.model import Address
from engine.store import database
from engine.store.database import StillReadError
from engine.store.payloads import ErasedError, Payloads
from engine.store.person_tables import person_key
from engine.store.store import Store
from engine.store.vault import Vault, WrongKeyError
from tests.store.conftest import KEY, StoreMaker

ROOT = Path(__file__).parents[2]
ADA, BEN = Address("crm", "contacts", "1"), Address("crm", "contacts", "2")
FIRM = Address("crm", "companies", "1")
PURPOSE = "test"


def of_contacts(_connection: str, object: str) -> bool:
    return object == "contacts"


@pytest.fixture
def payloads(store: Store) -> Payloads:
    return Payloads(store.vault, of_contacts)


def test_a_batch_comes_back_in_its_order(store: Store, payloads: Payloads) -> None:
    words = (b"first", b"second", b"third", b"fourth", b"")
    items = list(zip((ADA, None, BEN, ADA, None), words, strict=True))
    with store.write() as tx:
        sealed = payloads.seal(tx, items, PURPOSE)
        assert payloads.open(tx, sealed, PURPOSE) == [data for _person, data in items]
        assert payloads.open(tx, sealed[::-1], PURPOSE) == [data for _p, data in items][::-1]
        assert len(list(tx.execute(select(person_key)))) == 2
    assert not any(data in text for text, (_p, data) in zip(sealed, items, strict=True) if data)


def test_an_erased_person_is_lost_and_others_are_not(store: Store, payloads: Payloads) -> None:
    with store.write() as tx:
        ada, ben, ours = payloads.seal(tx, [(ADA, b"a"), (BEN, b"b"), (None, b"c")], PURPOSE)
    with store.erasing() as tx:
        assert payloads.erase(tx, [ADA, FIRM]) == 1
    with store.read() as tx:
        assert payloads.open(tx, [ada, ben, ours], PURPOSE) == [None, b"b", b"c"]
        with pytest.raises(ErasedError):
            payloads.open_one(tx, ada, PURPOSE)
    # Whoever holds the master key and a copy of the sealed bytes cannot read them either.
    with pytest.raises(WrongKeyError):
        Vault(KEY).open(ada[1:], PURPOSE)
    with store.write() as tx:
        (again,) = payloads.seal(tx, [(ADA, b"again")], PURPOSE)
        assert payloads.open(tx, [ada, again], PURPOSE) == [None, b"again"]


def test_what_was_sealed_for_one_purpose_opens_for_no_other(
    store: Store, payloads: Payloads
) -> None:
    with store.write() as tx:
        for sealed in payloads.seal(tx, [(ADA, b"a"), (None, b"b")], PURPOSE):
            with pytest.raises(WrongKeyError):
                payloads.open(tx, [sealed], "another")
            with pytest.raises(WrongKeyError):
                payloads.open(tx, [b"\x02" + sealed[1:]], PURPOSE)
        with pytest.raises(WrongKeyError):
            payloads.open(tx, [b"", b"\x01short"], PURPOSE)


def test_two_engines_use_one_key_of_a_person(open_store: StoreMaker, store_url: str | None) -> None:
    first = open_store()
    second = first if store_url is None else open_store()
    one, other = (Payloads(store.vault, of_contacts) for store in (first, second))
    with first.write() as tx:
        (sealed,) = one.seal(tx, [(ADA, b"a")], PURPOSE)
    with second.write() as tx:
        (again,) = other.seal(tx, [(ADA, b"b")], PURPOSE)
    with first.read() as tx:
        assert one.open(tx, [sealed, again], PURPOSE) == [b"a", b"b"]


def test_a_record_is_about_a_person_if_either_side_of_it_is(payloads: Payloads) -> None:
    assert payloads.concerns(ADA) == ADA
    assert payloads.concerns(ADA, FIRM) == ADA
    assert payloads.concerns(FIRM, ADA) == FIRM
    assert payloads.concerns(FIRM) is None


def test_an_erased_key_is_nowhere_in_the_files(tmp_path: Path) -> None:
    # Given so many persons that their keys fill pages, which split as they do
    store = Store.open(None, tmp_path, KEY, is_person=of_contacts)
    persons = [Address("crm", "contacts", str(number)) for number in range(400)]
    with store.write() as tx:
        for person in persons:
            store.payloads.seal(tx, [(person, b"x")], PURPOSE)
        keys = {row.subject: bytes(row.sealed) for row in tx.execute(select(person_key))}
    assert len(keys) == len(persons)
    # When most of them are forgotten
    with store.erasing() as tx:
        assert store.payloads.erase(tx, persons[:-1]) == len(persons) - 1
        (left,) = (row.subject for row in tx.execute(select(person_key)))
    # Then no byte of their keys is left, and the other's is
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    store.close()
    assert [subject for subject, key in keys.items() if key in files] == [left]


def test_nothing_else_seals_or_opens() -> None:
    """Only the payload store, and the spool, whose requests are about nobody yet."""
    found = subprocess.run(
        ["git", "grep", "-lE", r"vault\.(seal|open)\(", "--", "engine"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(found) == {"engine/store/payloads.py", "engine/store/spool_codec.py"}


def test_what_is_still_read_is_told_of_and_erased_later(
    open_store: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup under way, for one, keeps the table as it was."""
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 100)
    monkeypatch.setattr(database, "REWRITE_WAIT_MILLISECONDS", 100)
    store = open_store()
    payloads = Payloads(store.vault, of_contacts)
    with store.write() as tx:
        payloads.seal(tx, [(ADA, b"word")], PURPOSE)
    with store.read() as reader:
        if store.database.sqlite:
            reader.exec_driver_sql("BEGIN")
        reader.execute(select(person_key)).all()
        with pytest.raises(StillReadError), store.erasing() as tx:
            assert payloads.erase(tx, [ADA]) == 1
    with store.erasing() as tx:
        assert payloads.erase(tx, [ADA]) == 0
