# ruff: noqa: S101 - a contract is made of assertions
"""Contract: reading by id, searching, looking up, and the families of records."""

from __future__ import annotations

import math

from connectors.records import Absent, Change, Found, Identity, Life, Operation, Ref, Selection
from connectors.testing.bench import Bench
from connectors.testing.needs import needs

BATCH_MAX = 200
NAUGHTY = (
    "O'Brien",
    'say "hi"',
    "back\\slash",
    "100%",
    "under_score",
    "a;b|c,d",
    "' OR Name LIKE '%",
    "</script><b>",
    "=1+1",
    "{{7*7}}",
    "ünïcødé 漢字 🎈",
    "\u202eright-to-left",
)


class Reading:
    """Reading by id."""

    def test_records_come_in_the_order_asked(self, bench: Bench) -> None:
        sample = bench.sample
        ids = [bench.world.create(sample.object, sample.fields(f"t{n}")) for n in range(5)]
        asked = [ids[3], ids[0], ids[4], ids[1]]
        found = bench.connector.read(sample.selection(), asked)
        assert [record.ref for record in found] == [Ref(sample.object, id) for id in asked]
        assert [record.fields[sample.text] for record in found] == ["t3", "t0", "t4", "t1"]
        assert all(record.life is Life.LIVE for record in found)
        assert all(set(record.fields) <= set(sample.selection().fields) for record in found)

    def test_a_missing_record_is_a_deleted_one(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t"))
        missing, there = bench.connector.read(sample.selection(), [sample.missing_id, id])
        assert (missing.ref.id, missing.life) == (sample.missing_id, Life.DELETED)
        assert not missing.fields
        assert there.ref.id == id

    def test_a_removed_record_is_not_live(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t"))
        bench.world.remove(sample.object, id)
        (record,) = bench.connector.read(sample.selection(), [id])
        assert record.life in (Life.ARCHIVED, Life.DELETED)

    @needs("Merges")
    def test_a_merged_record_names_its_survivor(self, bench: Bench) -> None:
        sample = bench.sample
        kept, lost = (bench.world.create(sample.object, sample.fields(t)) for t in "ab")
        bench.world.merge(sample.object, kept, lost)
        survivor, loser = bench.connector.read(sample.selection(), [kept, lost])
        assert survivor.life is Life.LIVE
        assert (loser.life, loser.successor) == (Life.MERGED, Ref(sample.object, kept))

    def test_reading_takes_as_few_calls_as_batches(self, bench: Bench) -> None:
        sample = bench.sample
        bench.connector.check()
        size = bench.connector.spec.object(sample.object).batch_read
        number = min(size, BATCH_MAX) + 1
        ids = [bench.world.create(sample.object, sample.fields("t")) for _ in range(number)]
        before = bench.world.calls()
        found = bench.connector.read(sample.selection(), ids)
        assert [record.ref.id for record in found] == ids
        assert bench.world.calls() - before == math.ceil(number / size)
        assert bench.connector.read(sample.selection(), []) == ()
        assert bench.world.calls() - before == math.ceil(number / size)


class Searching:
    """Finding records by value."""

    @needs("Searches")
    def test_an_ambiguous_search_shows_every_candidate(self, bench: Bench) -> None:
        sample = bench.sample
        ids = {bench.world.create(sample.object, sample.fields(t, "twin.example")) for t in "ab"}
        bench.world.create(sample.object, sample.fields("c", "other.example"))
        bench.world.settle()
        asked = [{sample.match: "nobody.example"}, {sample.match: "TWIN.example"}]
        nobody, twins = bench.connector.search(sample.selection(), asked)
        assert nobody == ()
        assert {record.ref.id for record in twins} == ids
        (one,) = bench.connector.search(sample.selection(), asked[1:], limit_each=1)
        assert len(one) == 1

    @needs("Searches")
    def test_all_fields_of_a_query_must_match(self, bench: Bench) -> None:
        sample = bench.sample
        wanted, _ = (
            bench.world.create(sample.object, sample.fields(t, "both.example"))
            for t in ("one", "two")
        )
        bench.world.settle()
        query = {sample.match: "both.example", sample.text: "one"}
        (found,) = bench.connector.search(sample.selection(), [query])
        assert [record.ref.id for record in found] == [wanted]

    @needs("Searches")
    def test_naughty_values_stay_data(self, bench: Bench) -> None:
        sample = bench.sample
        ids = [bench.world.create(sample.object, sample.fields(text)) for text in NAUGHTY]
        bench.world.settle()
        found = bench.connector.search(
            sample.selection(), [{sample.text: text} for text in NAUGHTY]
        )
        assert [[record.ref.id for record in records] for records in found] == [[id] for id in ids]
        wild = bench.connector.search(sample.selection(), [{sample.text: "%"}, {sample.text: "*"}])
        assert wild == ((), ())

    @needs("Searches")
    def test_removed_records_are_not_found(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t", "gone.example"))
        bench.world.remove(sample.object, id)
        bench.world.settle()
        query = {sample.match: "gone.example"}
        assert bench.connector.search(sample.selection(), [query]) == ((),)

    @needs("Resolves", "Writes")
    def test_a_lookup_finds_what_we_wrote_and_proves_what_we_did_not(self, bench: Bench) -> None:
        sample = bench.sample
        name = bench.connector.spec.object(sample.object).identity_field
        here, nowhere = (Identity(name, f"revline-{x}") for x in ("lookup-1", "lookup-2"))
        change = Change("k1", Operation.UPSERT, sample.object, sample.fields("t"), identity=here)
        bench.connector.apply([change])
        bench.world.settle()
        absent, found = bench.connector.lookup(sample.selection(), [nowhere, here])
        assert isinstance(absent, Absent)
        assert isinstance(found, Found)
        assert found.record.fields[sample.text] == "t"


class Families:
    """Roots and children."""

    @needs("Parents", "Children")
    def test_children_and_roots_find_each_other(self, bench: Bench) -> None:
        sample = bench.sample
        child = sample.child or ""
        roots = [bench.world.create(sample.object, sample.fields(t)) for t in "ab"]
        kids = [bench.world.create(child, sample.child_required) for _ in range(3)]
        for kid in kids[:2]:
            bench.world.associate(Ref(sample.object, roots[0]), Ref(child, kid))
        found = bench.connector.children(Selection(child, ()), sample.object, roots)
        assert {id: {record.ref.id for record in records} for id, records in found.items()} == {
            roots[0]: set(kids[:2]),
            roots[1]: set(),
        }
        assert bench.connector.parents(child, kids, sample.object) == {
            kids[0]: (roots[0],),
            kids[1]: (roots[0],),
            kids[2]: (),
        }
        bench.world.remove(child, kids[0])
        (left,) = bench.connector.children(Selection(child, ()), sample.object, roots[:1]).values()
        assert [record.ref.id for record in left] == [kids[1]]
