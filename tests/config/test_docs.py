# ruff: noqa: E501  (tables read better with one case per line)
"""The pages, the example and the schema say the same."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from connectors import registry
from engine.books.spec import SPEC as BOOKS
from engine.config import schema
from engine.config.load import load
from engine.config.problems import block_keys
from engine.config.yaml import read_document
from engine.mapping import examples
from engine.mapping import schema as mapping_schema
from engine.mapping.functions import FUNCTIONS, SPECIAL

ROOT = Path(__file__).parents[2]


def tables(page):
    """Heading → the rows of the table under it, cells stripped."""
    found, heading = {}, ""
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            found.setdefault(heading, []).append(
                [cell.strip() for cell in line.strip("|").split(" | ")]
            )
    return found


def keys(rows):
    return [re.match(r"`([^`]+)`", row[0].lstrip("| ")).group(1) for row in rows]


@pytest.mark.parametrize(
    ("page", "heading", "block"),
    [
        ("configuration.md", "The file", schema.ProjectFile),
        ("configuration.md", "A connection", schema.ConnectionBlock),
        ("configuration.md", "The receiver", schema.ReceiverBlock),
        ("configuration.md", "Retention", schema.RetentionBlock),
        ("configuration.md", "Defaults", schema.DefaultsBlock),
        ("configuration.md", "A sync", schema.SyncBlock),
        ("configuration.md", "Routes", schema.RouteBlock),
        ("configuration.md", "A side", schema.SyncRouteBlock),
        ("configuration.md", "A recheck", schema.RecheckBlock),
        ("configuration.md", "Guards", schema.GuardsBlock),
        ("configuration.md", "A trigger", schema.TriggerBlock),
        ("configuration.md", "The books", schema.BooksBlock),
        ("configuration.md", "Fiscal calendar", schema.FiscalCalendarBlock),
        ("configuration.md", "Modification", schema.ModificationBlock),
        ("mappings.md", "The file", mapping_schema.MappingFile),
        ("mappings.md", "Source", mapping_schema.SourceBlock),
        ("mappings.md", "Target", mapping_schema.TargetBlock),
        ("mappings.md", "A match rule", mapping_schema.MatchBlock),
        ("mappings.md", "A field group", mapping_schema.FieldGroupBlock),
        ("mappings.md", "A gate", mapping_schema.GateBlock),
        ("mappings.md", "A value map", mapping_schema.ValueMapBlock),
        ("mappings.md", "A catalogue", mapping_schema.CatalogueBlock),
        ("mappings.md", "A field", mapping_schema.FieldBlock),
        ("mappings.md", "Steps", mapping_schema.StepBlock),
        ("mappings.md", "Facts", mapping_schema.FactBlock),
        ("mappings.md", "Period", mapping_schema.PeriodBlock),
        ("mappings.md", "Rate", mapping_schema.RateBlock),
        ("mappings.md", "Children", mapping_schema.ChildBlock),
        ("mappings.md", "An example", mapping_schema.ExampleBlock),
        ("mappings.md", "Given", mapping_schema.GivenBlock),
    ],
)
def test_every_key_has_its_line(page, heading, block):
    assert keys(tables(page)[heading]) == list(block_keys(block))


def test_defaults_in_the_page_are_the_real_ones():
    shown = {
        (heading, key): row[1].strip("`")
        for heading, rows in tables("configuration.md").items()
        for key, row in zip(keys(rows), rows, strict=True)
    }
    blocks = {
        "The file": schema.ProjectFile,
        "A connection": schema.ConnectionBlock,
        "The receiver": schema.ReceiverBlock,
        "Defaults": schema.DefaultsBlock,
        "A sync": schema.SyncBlock,
        "Routes": schema.RouteBlock,
        "A side": schema.SyncRouteBlock,
        "Guards": schema.GuardsBlock,
        "A trigger": schema.TriggerBlock,
        "The books": schema.BooksBlock,
        "Fiscal calendar": schema.FiscalCalendarBlock,
        "Modification": schema.ModificationBlock,
    }
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    compared = 0
    for heading, block in blocks.items():
        for name, field in block.model_fields.items():
            written = shown[heading, field.alias or name]
            if field.default is PydanticUndefined:
                assert written in ("required", "none", "see below"), (heading, name)
                continue
            real = field.default
            if re.fullmatch(r"[0-9]+[smhd]", written):
                assert real.total_seconds() == int(written[:-1]) * units[written[-1]], name
            elif real is None:
                assert (
                    written in ("none", "null", "no limit", "the connection's", "the mapping's")
                    or "defaults." in written
                )
            else:
                assert written == str(getattr(real, "value", real)).replace("True", "true").replace(
                    "False", "false"
                )
            compared += 1
    assert compared > 20


def test_every_function_has_its_line():
    usages = [row[0].lstrip("| ").strip("`") for row in tables("mappings.md")["Functions"]]
    assert sorted(usages) == sorted(
        [function.usage for function in FUNCTIONS.values()] + list(SPECIAL.values())
    )


def test_every_expectation_has_its_line():
    assert keys(tables("mappings.md")["Expect"]) == list(examples.OUTCOMES)


def test_every_fault_has_its_line():
    raised = set()
    for file in (ROOT / "engine" / "mapping").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        raised |= set(re.findall(r'(?:DataFault|_placed)\(\s*"([A-Z_]+)"', text))
    for file in (ROOT / "engine" / "pipeline").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        raised |= set(re.findall(r'(?:Unmappable\(\(|fault = )\("([A-Z_]+)"', text))
    assert set(keys(tables("mappings.md")["Faults"])) == raised


ENVIRON = {
    "HUBSPOT_TOKEN": "a",
    "HUBSPOT_CLIENT_SECRET": "b",
    "SALESFORCE_CLIENT_ID": "c",
    "SALESFORCE_CLIENT_SECRET": "d",
    "ZUORA_CLIENT_ID": "e",
    "ZUORA_CLIENT_SECRET": "f",
    "STRIPE_KEY": "rk_test_g",
    "NETSUITE_CLIENT_ID": "h",
    "NETSUITE_CERTIFICATE_ID": "i",
    "NETSUITE_PRIVATE_KEY": "j",
    "DOCUSIGN_INTEGRATION_KEY": "k",
    "DOCUSIGN_USER_ID": "l",
    "DOCUSIGN_PRIVATE_KEY": "m",
    "DOCUSIGN_CONNECT_KEYS": "n",
}
SPECS = {name: registry.spec(name) for name in registry.kinds()} | {BOOKS.name: BOOKS}


def test_the_example_configuration_is_sound():
    config = load(ROOT / "config.example.yaml", ENVIRON, SPECS)
    assert set(config.syncs) == {
        "owners", "companies", "leads", "contacts", "products", "deals", "lead_status", "deal_stages",
        "calls", "nurture", "qualified", "quotes", "approvals", "signatures", "signed", "quote_status",
        "dealhub_quotes", "dealhub_approvals", "dealhub_signatures",
        "billing_accounts", "quoted", "orders", "amendments", "contracts", "deal_accounts", "deal_orders", "subscriptions", "customers", "payers", "invoices",
        "collections", "payments", "receipts", "conceded_refunds", "cash_refunds",
        "failed_refunds", "disputes", "reversals", "dispute_fees", "credit_memos",
        "customer_refunds", "cancelled_refunds", "periods", "rates", "journals", "deal_money", "billing_status",
        "costs", "cost_journals", "usage", "usage_events", "stripe_products", "stripe_payers",
        "stripe_quotes", "stripe_subscriptions", "stripe_single_sales", "stripe_customers",
        "stripe_invoices", "stripe_receipts", "stripe_credit_notes", "stripe_refunds",
    }  # fmt: skip


def test_what_is_off_in_the_example_needs_no_credentials():
    config = load(ROOT / "config.example.yaml", ENVIRON, SPECS)
    lacking = {name: one.missing for name, one in config.connections.items() if one.missing}
    assert lacking == {"dealhub": ("DEALHUB_TOKEN", "DEALHUB_WEBHOOK_TOKEN")}


def test_the_example_configuration_shows_every_setting():
    document = read_document(ROOT / "config.example.yaml", "config.example.yaml")
    text = "\n".join(document.lines)
    for block in (
        schema.ProjectFile, schema.ConnectionBlock, schema.ReceiverBlock, schema.DefaultsBlock,
        schema.RetentionBlock,
        schema.SyncBlock, schema.RecheckBlock, schema.GuardsBlock, schema.TriggerBlock,
        schema.BooksBlock, schema.FiscalCalendarBlock, schema.ModificationBlock,
        schema.RouteBlock, schema.SyncRouteBlock,
    ):  # fmt: skip
        for key in block_keys(block):
            assert re.search(rf"(?m)(^\s*(# )?|[{{,] ?){key}:", text), key


def test_facing_pairs_in_the_shipped_mappings():
    """The pairs the engine settles by owner; without this the facing check could pass on none."""
    config = load(ROOT / "config.example.yaml", ENVIRON, SPECS)
    pairs = set()
    for forth, back in (("leads", "lead_status"), ("deals", "deal_stages")):
        returning = {(rule.pair, rule.target) for rule in config.syncs[back].mapping.rules}
        pairs |= {
            (rule.pair, rule.target)
            for rule in config.syncs[forth].mapping.rules
            if (rule.target, rule.pair) in returning
        }
    assert pairs == {
        ("phone", "Phone"), ("jobtitle", "Title"),
        ("dealstage", "StageName"), ("closedate", "CloseDate"), ("amount", "Amount"),
    }  # fmt: skip
