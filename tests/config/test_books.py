# ruff: noqa: E501  (tables read better with one case per line)
"""The books in `revline.yaml`: what they are by default, and what cannot be."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.books.spec import SPEC
from engine.config.model import OURSELVES, Endpoint, Mode
from engine.errors import ConfigErrors
from engine.money.reporting import Reporting
from engine.money.spread import Method

FACTS = "mapping: {name}\nsource: {{object: companies}}\nfacts: [{{kind: {kind}, amount: a, currency: c, effective_on: d}}]\n"
RATES = "mapping: {name}\nsource: {{object: companies}}\nrate: {{from_currency: a, to_currency: b, rate: c, effective_on: d}}\n"
JOURNAL = "mapping: journal\nsource: {object: schedule_lines}\ntarget: {object: Lead, identity: Ext}\nfields: {memo: period}\n"
POSTING = "{from: revline.schedule_lines, to: right.Lead, mapping: journal, start_from: now, group_by: [period, entity, currency], trigger: {period_end: 1d}}"


@pytest.fixture
def project(project):
    project.specs["revline"] = SPEC
    return project


def watch(project, name, kind="billed", **options):
    project.mapping(name, FACTS.format(name=name, kind=kind))
    more = "".join(f", {key}: {value}" for key, value in options.items())
    project.add(
        f"  {name}: {{from: left.companies, observe: true, mapping: {name}, start_from: now{more}}}\n"
    )


def post(project, block=POSTING):
    project.mapping("journal", JOURNAL)
    project.add(f"  journals: {block}\n")


def refused(project):
    with pytest.raises(ConfigErrors) as caught:
        project.load()
    return str(caught.value)


def test_the_books_are_ours_and_of_utc_unless_said_otherwise(project):
    books = project.load().books
    assert books.recognition_owner == OURSELVES
    assert books.tax_owner is None
    assert books.zone == ZoneInfo("UTC")
    assert books.method_of("anything") is Method.PROSPECTIVE


def test_what_is_said_of_the_books(project):
    project.text += (
        "books:\n  tax_owner: left\n  fiscal_calendar: {timezone: Asia/Tokyo}\n"
        "  modification: {default: separate, families: {saas: catch_up}}\n"
    )
    books = project.load().books
    assert (books.tax_owner, books.zone) == ("left", ZoneInfo("Asia/Tokyo"))
    assert [books.method_of(name) for name in ("saas", "other")] == [
        Method.CATCH_UP,
        Method.SEPARATE,
    ]


def test_a_sync_that_watches_writes_to_the_books_alone(project):
    watch(project, "billed")
    config = project.load()
    sync = config.syncs["billed"]
    assert (sync.mode, sync.target) == (Mode.OBSERVE, Endpoint("revline", "facts"))
    assert "revline" in config.connections


def test_without_a_use_of_the_books_there_is_no_connection_to_them(project):
    assert "revline" not in project.load().connections


def test_a_sync_that_posts_is_grouped_and_comes_after_the_month(project):
    post(project)
    sync = project.load().syncs["journals"]
    assert (sync.group_by, sync.period_end) == (("period", "entity", "currency"), timedelta(days=1))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (POSTING.replace(", trigger: {period_end: 1d}", ""), "`group_by` and `trigger: {period_end: …}` belong to schedule lines"),
        (POSTING.replace(", group_by: [period, entity, currency]", ""), "`group_by` and `trigger: {period_end: …}` belong to schedule lines"),
        (POSTING.replace("entity, ", "entty, "), "lines cannot be grouped by `entty` — did you mean `entity`?"),
        (POSTING.replace("period, ", ""), "a journal has one period and one currency"),
        (POSTING.replace("schedule_lines", "schedule_line"), "Revline's books has no object `schedule_line`"),
        (POSTING.replace("to: right.Lead, ", ""), "`to` is missing"),
        (POSTING.replace("start_from", "observe: true, start_from"), "a sync that observes writes nowhere"),
        ("{from: left.companies, to: right.Lead, mapping: journal, start_from: now}", "but the mapping journal is for schedule_lines"),
    ],
)  # fmt: skip
def test_what_cannot_be_posted(project, block, message):
    post(project, block)
    assert message in refused(project)


def test_a_mapping_that_watches_and_a_sync_that_does_belong_together(project):
    project.mapping("billed", FACTS.format(name="billed", kind="billed"))
    project.add(
        "  billed: {from: left.companies, to: right.Lead, mapping: billed, start_from: now}\n"
    )
    assert "`observe: true` and a mapping without target belong together" in refused(project)


def test_a_kind_of_fact_comes_from_one_sync(project):
    watch(project, "first")
    watch(project, "second")
    found = refused(project)
    assert "`billed` facts come from first (left.companies) already" in found
    assert "an amount counts twice" in found


def test_a_sync_that_is_off_tells_nothing_twice(project):
    watch(project, "first")
    watch(project, "second", enabled="false")
    assert set(project.load().syncs) >= {"first", "second"}


@pytest.mark.parametrize(
    ("books", "message"),
    [
        ("tax_owner: lft", "there is no connection `lft`"),
        ("tax_owner: right", "`tax` facts come from left, but books.tax_owner is right"),
        ("fiscal_calendar: {timezone: Berlin}", "`Berlin` is not a time zone"),
        ("modification: {default: later}", "`default` must be one of 'separate', 'prospective' or 'catch_up'"),
        ("refund_means: {duplicate: cash}", "must be one of 'credit_memo' or 'cash_only'"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_the_books(project, books, message):
    watch(project, "taxed", "tax")
    project.text += f"books: {{{books}}}\n"
    assert message in refused(project)


def test_only_one_system_recognises_revenue(project):
    post(project)
    project.text += "books: {recognition_owner: netsuite}\n"
    assert "would recognise it twice" in refused(project)


def test_the_name_of_the_books_is_taken(project):
    project.text = project.text.replace("  left:", "  revline: {connector: crm}\n  left:", 1)
    assert "`revline` is the built-in source" in refused(project)


def test_value_maps_of_the_project_stand_in_for_those_of_the_files(project):
    watch(project, "first")
    project.mapping(
        "first",
        FACTS.format(name="first", kind="billed").replace("a,", "\"= mapped('rate', x)\",")
        + "value_maps: {rate: {values: {x: 1}}}\n",
    )
    before = project.load().syncs["first"].digest
    project.text += "value_maps: {rate: {values: {x: 2}}}\n"
    assert project.load().syncs["first"].digest != before


def test_reason_codes_of_refunds_are_a_value_map(project):
    watch(project, "first")
    project.mapping(
        "first",
        FACTS.format(name="first", kind="refunded")
        + "when: = mapped('refund_means', reason) == 'cash_only'\n",
    )
    assert "refund_means" in refused(project)
    project.text += "books: {refund_means: {duplicate: cash_only}}\n"
    assert project.load().syncs["first"].mapping.fact_kinds


def test_sums_are_in_no_other_currency_unless_one_is_named(project):
    assert project.load().books.reporting is None
    project.text += "books: {report_currency: JPY}\n"
    assert project.load().books.reporting == Reporting("JPY", 0, 7)
    project.text = project.text.replace("JPY}", "KWD, rate_max_days: 0}")
    assert project.load().books.reporting == Reporting("KWD", 3, 0)


@pytest.mark.parametrize(
    ("books", "expected"),
    [
        ("{report_currency: EURO}", "'EURO' is not a currency code"),
        ("{report_currency: usd}", "'usd' is not a currency code"),
        ("{report_currency: ZZZ}", "ZZZ is not a currency of ISO 4217"),
        ("{rate_max_days: -1}", "`rate_max_days`"),
        ("{rate_max_days: 367}", "`rate_max_days`"),
    ],
)
def test_a_report_currency_is_one(project, books, expected):
    project.text += f"books: {books}\n"
    assert expected in refused(project)


def test_rates_come_from_one_sync(project):
    for name in ("first", "second"):
        watch(project, name)
        project.mapping(name, RATES.format(name=name))
    told = refused(project)
    assert "rates come from first (left.companies) already" in told
    project.text = project.text.replace(
        "mapping: second, start_from: now", "mapping: second, start_from: now, enabled: false"
    )
    assert project.load().syncs["first"].mapping.tells_rates


def test_lines_are_posted_by_one_sync_per_system(project):
    post(project)
    project.add(f"  again: {POSTING}\n")
    assert "journals posts revline.schedule_lines to right already" in refused(project)


@pytest.mark.parametrize("other", ["[period, currency]", "[period, entity, currency], after: []"])
def test_lines_go_to_a_second_system_as_they_were_put_together(project, other):
    post(project)
    block = POSTING.replace("[period, entity, currency]", other).replace("right.", "left2.")
    second = '  left2: {connector: erp, access_token: "${LEFT_TOKEN}"}\n'
    project.text = project.text.replace("  right:\n", f"{second}  right:\n", 1)
    project.add(f"  again: {block}\n")
    if "entity" in other:
        assert set(project.load().syncs) >= {"journals", "again"}
    else:
        assert "puts the same lines together by another `group_by`" in refused(project)


def test_a_step_takes_an_action_that_the_target_has(project):
    step = "steps: [{name: post, action: post, done_when: = target.a == 1}]\n"
    post(project)
    project.mapping("journal", JOURNAL + step)
    assert "Lead has no action `post`, which a step of mappings/journal.yaml takes" in refused(
        project
    )
