"""What is declared about an org with Salesforce CPQ: Salesforce's objects and the package's."""

from __future__ import annotations

from dataclasses import replace

from connectors.base import ActionSpec, ConnectorSpec, CreateIdentity, ObjectSpec, Setting
from connectors.salesforce.objects import OBJECTS as CORE_OBJECTS
from connectors.salesforce.objects import SETTINGS as CORE_SETTINGS
from connectors.salesforce.objects import SPEC as CORE

QUOTE = "SBQQ__Quote__c"
LINE = "SBQQ__QuoteLine__c"
SUBSCRIPTION = "SBQQ__Subscription__c"
APPROVAL = "sbaa__Approval__c"
ORDER, ORDER_LINE, CONTRACT, OPPORTUNITY = "Order", "OrderItem", "Contract", "Opportunity"

# Every record that is saved runs the package's triggers, which hold its quote; small calls hold it
# for a shorter time. Our own figure: the vendor gives none.
PACKAGE_MAX = 50

_FIELDS = "https://developer.salesforce.com/docs/atlas.en-us.cpq_dev_api.meta/cpq_dev_api"
_GUIDE = f"{_FIELDS}/cpq_api_get_started.htm"

ORDER_QUOTE = ActionSpec(
    "order", "SBQQ__Ordered__c is true; SBQQ__Orders__r shows the order once it is made"
)
CONTRACT_ORDER = ActionSpec(
    "contract", "SBQQ__Contracted__c is true; SBQQ__Contracts__r shows the contract once it is made"
)
CALCULATE = ActionSpec("calculate", "SBQQ__Uncalculated__c is false")
AMEND = ActionSpec(
    "amend", "SBQQ__CoTerminatedQuotes__r holds a quote of type Amendment that is not ordered yet"
)
ACTIONS: dict[str, tuple[ActionSpec, ...]] = {
    QUOTE: (ORDER_QUOTE, CALCULATE),
    ORDER: (CONTRACT_ORDER,),
    OPPORTUNITY: (
        ActionSpec("order", "SBQQ__Ordered__c is true"),
        ActionSpec("contract", "SBQQ__Contracted__c is true"),
    ),
    CONTRACT: (
        ActionSpec(
            "forecast_renewal",
            "SBQQ__RenewalForecast__c is true; SBQQ__RenewalOpportunity__c holds the opportunity "
            "once it is made",
        ),
        ActionSpec(
            "renew_quote",
            "SBQQ__RenewalQuoted__c is true; SBQQ__RenewalOpportunity__c holds the opportunity of "
            "the renewal's quote once it is made",
        ),
        AMEND,
    ),
}


def _object(
    name: str,
    label: str,
    *,
    match_keys: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
    writable: bool = True,
) -> ObjectSpec:
    """The facts of any other sObject, and what is particular to this one."""
    usual = next(one for one in CORE_OBJECTS if one.name == "*")
    return ObjectSpec(
        name=name,
        label=label,
        granularity=usual.granularity,
        cursor_field=usual.cursor_field,
        batch_read=usual.batch_read,
        batch_write=PACKAGE_MAX,
        page_list=usual.page_list,
        page_changes=usual.page_changes,
        batch_search=usual.batch_search,
        create_identity=usual.create_identity if writable else CreateIdentity.NONE,
        identity_field=usual.identity_field if writable else None,
        overlap=usual.overlap,
        delete_source=usual.delete_source,
        match_keys=match_keys,
        children=children,
        actions=ACTIONS.get(name, ()),
        writable=writable,
        source=_GUIDE,
    )


_OWN: tuple[ObjectSpec, ...] = (
    _object(QUOTE, "Quote (CPQ)", match_keys=("Name",), children=(LINE, APPROVAL)),
    _object(LINE, "Quote line (CPQ)"),
    _object(ORDER, "Order", match_keys=("OrderNumber",), children=(ORDER_LINE,)),
    _object(ORDER_LINE, "Order product"),
    _object(CONTRACT, "Contract", match_keys=("ContractNumber",), children=(SUBSCRIPTION,)),
    _object(SUBSCRIPTION, "Subscription (CPQ)", match_keys=("Name",)),
    _object(APPROVAL, "Approval (Advanced Approvals)", writable=False),
)


def _with_actions(spec: ObjectSpec) -> ObjectSpec:
    actions = ACTIONS.get(spec.name)
    return replace(spec, actions=actions) if actions else spec


# "*" comes last, as what is not named.
OBJECTS: tuple[ObjectSpec, ...] = (
    *(_with_actions(one) for one in CORE_OBJECTS if one.name != "*"),
    *_OWN,
    *(one for one in CORE_OBJECTS if one.name == "*"),
)

SETTINGS: tuple[Setting, ...] = (
    # Bulk jobs run the package's triggers on thousands of records at once: nothing is written so.
    *(one for one in CORE_SETTINGS if one.name != "bulk_write_from"),
    Setting(
        name="term_unit",
        title="Unit of subscription terms",
        description=(
            "What subscription terms count; quotes and lines show it as `term_unit`. Setup > "
            "Installed Packages > Salesforce CPQ > Configure > Subscriptions and Renewals > "
            "Subscription Term Unit."
        ),
        default="month",
        choices=("month", "day"),
    ),
    Setting(
        name="approval_status_field",
        title="Approval status of quotes",
        description=(
            "The field of the quote that Advanced Approvals, or your own approval process, keeps "
            "its status in; mappings read it as `approval_status`. Setup > Object Manager > Quote "
            "(SBQQ__Quote__c) > Fields & Relationships."
        ),
        default="ApprovalStatus__c",
        example="ApprovalStatus__c",
    ),
    Setting(
        name="approval_submitted_field",
        title="When a quote was submitted",
        description=(
            "The date or time field of the quote that says when it was submitted for approval; "
            "mappings read it as `approval_submitted_at`."
        ),
        example="ApprovalSubmittedOn__c",
    ),
    Setting(
        name="approval_decided_field",
        title="When a quote was decided",
        description=(
            "The date or time field of the quote that says when it was approved or rejected; "
            "mappings read it as `approval_decided_at`."
        ),
        example="ApprovalDecidedOn__c",
    ),
)

SPEC = ConnectorSpec(
    name="salesforce_cpq",
    title="Salesforce CPQ",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=CORE.limits,
    native_connectors=CORE.native_connectors,
    documentation="connectors/salesforce_cpq/README.md",
)
