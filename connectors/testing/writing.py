# ruff: noqa: S101 - a contract is made of assertions
"""Contract: writing. One outcome per change, in order; nothing twice; doubt is called doubt."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.base import Confirmed, Failed, FieldType, PartialBatch
from connectors.errors import CallError, Gone, OutcomeUnknown, Rejected
from connectors.records import Change, Found, Identity, Operation, Value
from connectors.testing.bench import Bench
from connectors.testing.needs import needs

BATCH_MAX = 200
WRITTEN = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]), max_size=60
).map(lambda text: f"a{text}z")
VALUES: dict[FieldType, st.SearchStrategy[Value]] = {
    FieldType.TEXT: TEXTS,
    # Eight digits: the least that vendors give a whole-number field.
    FieldType.INTEGER: st.integers(-99_999_999, 99_999_999),
    FieldType.DECIMAL: st.decimals(-(10**12), 10**12, places=2),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.dates(date(1970, 1, 1), date(2100, 12, 31)),
    FieldType.INSTANT: st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001 - the zone is given beside it
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ).map(lambda at: at.replace(microsecond=0)),
}


def identity(bench: Bench, value: str) -> Identity:
    """Our own identity in the sample's object."""
    name = bench.connector.spec.object(bench.sample.object).identity_field
    return Identity(name, value)


def upsert(bench: Bench, name: str, text: str) -> Change:
    """An upsert of a sample record."""
    sample = bench.sample
    return Change(
        f"key-{name}-{text}"[:64],
        Operation.UPSERT,
        sample.object,
        sample.fields(text),
        identity=identity(bench, f"revline-{name}"),
    )


def update(bench: Bench, id: str, key: str, **fields: Value) -> Change:
    """An update by id."""
    return Change(key, Operation.UPDATE, bench.sample.object, fields, id=id)


def text_of(bench: Bench, id: str) -> object:
    """The stored text."""
    (record,) = bench.connector.read(bench.sample.selection(), [id])
    found: object = record.get(bench.sample.text)
    return found


class Writing:
    """Applying changes."""

    @needs("Writes")
    def test_outcomes_come_in_the_order_of_the_changes(self, bench: Bench) -> None:
        outcomes = bench.connector.apply([upsert(bench, f"o{n}", f"text {n}") for n in range(7)])
        ids = [outcome.id for outcome in outcomes if isinstance(outcome, Confirmed)]
        assert len(ids) == len(set(ids)) == 7
        assert [text_of(bench, id) for id in ids] == [f"text {n}" for n in range(7)]

    @needs("Writes")
    def test_one_identity_is_one_record(self, bench: Bench) -> None:
        (first,) = bench.connector.apply([upsert(bench, "same", "one")])
        (second,) = bench.again().apply([upsert(bench, "same", "two")])
        assert isinstance(first, Confirmed)
        assert isinstance(second, Confirmed)
        assert first.id == second.id
        assert first.created in (True, None)
        assert second.created in (False, None)
        assert bench.world.living(bench.sample.object, identity(bench, "revline-same")) == 1
        assert text_of(bench, first.id) == "two"

    @needs("Writes")
    def test_a_full_batch_is_one_call(self, bench: Bench) -> None:
        bench.connector.check()
        size = min(bench.connector.spec.object(bench.sample.object).batch_write, BATCH_MAX)
        before = bench.world.calls()
        outcomes = bench.connector.apply([upsert(bench, f"n{n}", "t") for n in range(size)])
        assert all(isinstance(outcome, Confirmed) for outcome in outcomes)
        assert len(outcomes) == size
        assert bench.world.calls() - before == 1
        assert bench.connector.apply([]) == ()
        assert bench.world.calls() - before == 1

    @needs("Writes")
    def test_one_bad_record_does_not_sink_the_others(self, bench: Bench) -> None:
        spec = bench.connector.spec.object(bench.sample.object)
        changes = [upsert(bench, f"p{n}", f"t{n}") for n in range(5)]
        spoiled = {**changes[2].fields, **bench.sample.bad}
        changes[2] = Change("key-bad", Operation.UPSERT, bench.sample.object, spoiled,
                            identity=changes[2].identity)  # fmt: skip
        outcomes = bench.connector.apply(changes)
        bad = outcomes[2]
        assert isinstance(bad, Failed)
        assert isinstance(bad.error, Rejected)
        assert bad.error.code
        assert len(bad.error.message) > 5
        if spec.partial_batch is PartialBatch.PER_RECORD:
            good = [outcome.id for outcome in outcomes if isinstance(outcome, Confirmed)]
            assert [text_of(bench, id) for id in good] == ["t0", "t1", "t3", "t4"]
        else:
            assert not [outcome for outcome in outcomes if isinstance(outcome, Confirmed)]

    @needs("Writes")
    def test_an_unknown_id_fails_alone(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("before"))
        outcomes = bench.connector.apply(
            [
                update(bench, sample.missing_id, "key-1", **{sample.text: "x"}),
                update(bench, id, "key-2", **{sample.text: "after"}),
            ]
        )
        assert isinstance(outcomes[0], Failed)
        assert isinstance(outcomes[0].error, Rejected)
        assert isinstance(outcomes[1], Confirmed)
        assert text_of(bench, id) == "after"

    @needs("Writes")
    def test_a_removed_record_is_gone(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t"))
        bench.world.remove(sample.object, id)
        (outcome,) = bench.connector.apply([update(bench, id, "k", **{sample.text: "x"})])
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, Gone)

    @needs("Writes")
    def test_none_clears(self, bench: Bench) -> None:
        sample = bench.sample
        name = sample.match if sample.text in sample.required else sample.text
        id = bench.world.create(sample.object, {**sample.fields("t"), name: "something.example"})
        (outcome,) = bench.connector.apply([update(bench, id, "k", **{name: None})])
        assert isinstance(outcome, Confirmed)
        (record,) = bench.connector.read(sample.selection(), [id])
        assert record.get(name) is None

    @needs("Writes")
    def test_fields_not_sent_stay(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t", "kept.example"))
        bench.connector.apply([update(bench, id, "k", **{sample.text: "new"})])
        (record,) = bench.connector.read(sample.selection(), [id])
        assert (record.get(sample.text), record.get(sample.match)) == ("new", "kept.example")

    @needs("Writes")
    def test_apply_reports_what_it_cannot_do(self, bench: Bench) -> None:
        change = Change("k", Operation.UPDATE, "no_such_object", {"a": "b"}, id="1")
        (outcome,) = bench.connector.apply([change])
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, CallError)

    @needs("Writes", "Resolves")
    def test_a_lost_answer_is_unknown_and_a_lookup_settles_it(self, bench: Bench) -> None:
        bench.connector.check()
        bench.world.lose_next_answer()
        (outcome,) = bench.connector.apply([upsert(bench, "lost", "t")])
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, OutcomeUnknown)
        bench.world.settle()
        asked = [identity(bench, "revline-lost")]
        (found,) = bench.connector.lookup(bench.sample.selection(), asked)
        assert isinstance(found, Found)
        (again,) = bench.connector.apply([upsert(bench, "lost", "t")])
        assert isinstance(again, Confirmed)
        assert again.id == found.record.ref.id
        assert bench.world.living(bench.sample.object, asked[0]) == 1


class Valuing:
    """Values go out and come back as they were."""

    @needs("Writes")
    def test_text_comes_back(self, bench: Bench) -> None:
        self._all_through(bench, bench.sample.text, FieldType.TEXT)

    @needs("Writes")
    def test_every_type_comes_back(self, bench: Bench) -> None:
        assert bench.sample.typed, "a sample names at least one field with a type"
        for type, name in bench.sample.typed.items():
            self._all_through(bench, name, type)

    @needs("Writes")
    def test_awkward_amounts_and_times_come_back(self, bench: Bench) -> None:
        awkward: dict[FieldType, list[Value]] = {
            FieldType.DECIMAL: [
                Decimal(text) for text in ("0", "0.10", "19.99", "-0.01", "999999999999.99")
            ],
            FieldType.DATE: [date(2024, 2, 29), date(2026, 12, 31)],
            FieldType.INSTANT: [
                datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
                datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=1),
            ],
        }
        for type, name in bench.sample.typed.items():
            for value in awkward.get(type, []):
                self._through(bench, name, value)

    def _all_through(self, bench: Bench, name: str, type: FieldType) -> None:
        id = bench.world.create(bench.sample.object, bench.sample.fields("t"))

        @WRITTEN
        @given(value=VALUES[type])
        def comes_back(value: Value) -> None:
            self._through(bench, name, value, id=id)

        comes_back()

    def _through(self, bench: Bench, name: str, value: Value, *, id: str | None = None) -> None:
        sample = bench.sample
        id = id or bench.world.create(sample.object, sample.fields("t"))
        # Every write is one of its own: a vendor that honours keys would replay a repeated one.
        (outcome,) = bench.connector.apply([update(bench, id, uuid4().hex, **{name: value})])
        assert isinstance(outcome, Confirmed), getattr(outcome, "error", outcome)
        (record,) = bench.connector.read(sample.selection(name), [id])
        found = record.get(name)
        assert found == sample.kept(name, value)
        assert type(found) is type(sample.kept(name, value)) or isinstance(found, Decimal)
        assert not isinstance(found, float)
