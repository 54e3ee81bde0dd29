"""What requests must look like; the texts are those of the vendor's error page.

Facts from developers.dealhub.io, "Headless API" (GenerateQuoteRequest, OpportunityData) and
"Quote API" (parameters of the lists).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.dealhub.errors import Problem, bad_value, missing, too_long, unrecognized
from sandbox.dealhub.tenant import Tenant
from sandbox.dealhub.values import EXPONENTS, Row, number
from sandbox.messages import Request

FEATURES: Final = (
    "info", "summary", "deal_room_info", "line_items", "answers", "approvals", "all",
)  # fmt: skip
LIMIT_MAX: Final = 50
OFFSET_MAX: Final = 10_000
ID_MAX: Final = 16
ACTIONS: Final = ("draft", "submit", "publish", "sign_externally")
DOCUMENTS: Final = ("DealRoom", "PDF", "WORD", "EXCEL")
DETAILS: Final = ("basic", "all")


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most so many characters, or one of some options."""

    most: int = 0
    options: tuple[str, ...] = ()

    def check(self, name: str, value: object) -> None:
        """Refuse what it is not."""
        if not isinstance(value, str):
            raise bad_value(name, value, self.options)
        if self.options and value not in self.options:
            raise bad_value(name, value, self.options)
        if self.most and len(value) > self.most:
            raise too_long(name, self.most)


@dataclass(frozen=True, slots=True)
class Number:
    """A number; ``whole``: without decimals."""

    whole: bool = False

    def check(self, name: str, value: object) -> None:
        """Refuse what it is not."""
        read = None if isinstance(value, str) else number(value)
        if read is None or (self.whole and read != read.to_integral_value()):
            raise bad_value(name, value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, name: str, value: object) -> None:
        """Refuse what it is not."""
        if not isinstance(value, bool):
            raise bad_value(name, value, ("true", "false"))


@dataclass(frozen=True, slots=True)
class Nested:
    """An object or a list of objects, looked into by ``inner``."""

    many: bool = False
    inner: Callable[[str, Mapping[str, Any]], None] | None = None

    def check(self, name: str, value: object) -> None:
        """Refuse what it is not."""
        if not isinstance(value, list if self.many else dict):
            raise bad_value(name, value)
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise bad_value(name, one)
            if self.inner is not None:
                self.inner(name, one)


@dataclass(frozen=True, slots=True)
class AnyText:
    """An object of whatever names, with plain values."""

    def check(self, name: str, value: object) -> None:
        """Refuse what it is not."""
        if not isinstance(value, dict):
            raise bad_value(name, value)
        for key, inner in value.items():
            if isinstance(inner, dict | list) or inner is None:
                raise bad_value(f"{name}.{key}", inner)


Kind = Text | Number | Flag | Nested | AnyText


def checked(
    where: str, body: Mapping[str, Any], known: Mapping[str, Kind], needed: Sequence[str]
) -> None:
    """Unknown names, missing ones, and values that do not fit are refused, in this order."""
    prefix = f"{where}." if where else ""
    for name in body:
        if name not in known:
            raise unrecognized(f"{prefix}{name}")
    absent = [f"{prefix}{name}" for name in needed if body.get(name) in (None, "")]
    if absent:
        raise missing(absent)
    for name, value in body.items():
        if value is not None:
            known[name].check(f"{prefix}{name}", value)


def _line(where: str, line: Mapping[str, Any]) -> None:
    checked(where, line, _LINE, ("sku",))


def _group(where: str, group: Mapping[str, Any]) -> None:
    checked(where, group, _GROUP, ("group_id",))
    questions = group.get("questions")
    if not isinstance(questions, list):
        raise missing([f"{where}.questions"])
    for asked in questions:
        AnyText().check(f"{where}.questions", asked)


def _owner(where: str, owner: Mapping[str, Any]) -> None:
    checked(where, owner, _OWNER, ("external_user_id", "email", "name"))


def _contact(where: str, contact: Mapping[str, Any]) -> None:
    checked(where, contact, _CONTACT, ("first_name", "last_name", "email"))


def opportunity(where: str, data: Mapping[str, Any], *, geo: bool = True) -> None:
    """``opportunity_data``, or (without ``geo``) what makes an opportunity besides its id."""
    needed = ["external_opportunity_name", "opportunity_owner", "external_customer_id",
              "customer_name", "currency"]  # fmt: skip
    checked(where, data, _OPPORTUNITY, [*needed, "geo_code"] if geo else needed)
    if data["currency"] not in EXPONENTS:
        raise bad_value(f"{where}.currency" if where else "currency", data["currency"], EXPONENTS)


_LINE: Final[Mapping[str, Kind]] = {
    "sku": Text(), "item_name": Text(400), "bundle_ref_sku": Text(), "bundle_ref_id": Number(True),
    "list_price": Number(), "net_price_per_unit": Number(), "net_price": Number(),
    "msrp": Number(), "msrp_discount": Number(), "sales_discount": Number(),
    "total_discount": Number(), "partner_program_data": Nested(many=True),
    "product_factors": AnyText(), "attributes": AnyText(),
}  # fmt: skip
_GROUP: Final[Mapping[str, Kind]] = {"group_id": Text(50), "questions": Nested(many=True)}
_OWNER: Final[Mapping[str, Kind]] = {
    name: Text(300)
    for name in (
        "external_user_id", "login", "email", "name", "position", "phone", "mobile", "fax",
        "company", "street", "city", "state", "country", "postal_code", "user_manager_login",
    )
}  # fmt: skip
_CONTACT: Final[Mapping[str, Kind]] = {
    **{
        name: Text(400)
        for name in (
            "salutation", "first_name", "last_name", "title", "email", "phone", "account_name",
            "mailing_address",
        )
    },
    "primary_contact": Flag(),
}  # fmt: skip
_OPPORTUNITY: Final[Mapping[str, Kind]] = {
    "external_opportunity_name": Text(200), "opportunity_owner": Nested(inner=_owner),
    "external_customer_id": Text(50), "customer_name": Text(256), "geo_code": Text(100),
    "currency": Text(3), "customer_shipping_address": AnyText(),
    "customer_billing_address": AnyText(), "customer_contacts": Nested(many=True, inner=_contact),
}  # fmt: skip
_COMMON: Final[Mapping[str, Kind]] = {
    "external_opportunity_id": Text(50), "line_item_details": Text(options=DETAILS),
    "playbook": Text(50), "total_sales_discount": Number(), "partner_program": Nested(many=True),
    "quote_data": Nested(many=True, inner=_group), "line_items": Nested(many=True, inner=_line),
}  # fmt: skip
_GENERATE: Final[Mapping[str, Kind]] = {
    **_COMMON, "request_action": Text(options=ACTIONS), "quote_name": Text(250),
    "dealroom_publish_name": Text(250), "expiration_date": Number(True),
    "document_type": Text(options=DOCUMENTS), "timezone_offset": Number(),
    "sign_externally_comment": Text(1000), "opportunity_data": Nested(inner=opportunity),
}  # fmt: skip
_SIMULATE: Final[Mapping[str, Kind]] = {
    **_COMMON, "version_id": Text(16), "geo_code": Text(200), "currency": Text(3),
}  # fmt: skip


def generate(tenant: Tenant, body: Row) -> None:
    """The body of generate, as far as it can be judged before it is carried out."""
    needed = ["external_opportunity_id", "request_action", "document_type"]
    if body.get("request_action") == "sign_externally":
        needed.append("sign_externally_comment")
    if "quote_data" not in body:
        raise missing([*(name for name in needed if not body.get(name)), "quote_data"])
    if tenant.settings.integration == "crm_api":
        needed.append("opportunity_data")
    checked("", body, _GENERATE, needed)
    skus(tenant, body)
    data = body.get("opportunity_data")
    known = tenant.opportunity(body["external_opportunity_id"])
    if known is not None and data and data["currency"] != known["currency"]:
        raise Problem("The currency of an opportunity cannot be changed")


def simulate(tenant: Tenant, body: Row) -> None:
    """The body of simulate: an opportunity, or a place and a currency."""
    if "quote_data" not in body:
        raise missing(["quote_data"])
    checked("", body, _SIMULATE, ())
    place = bool(body.get("geo_code") and body.get("currency"))
    if place == bool(body.get("external_opportunity_id")):
        raise Problem("Provide either external_opportunity_id or both geo_code and currency")
    skus(tenant, body)


def skus(tenant: Tenant, body: Row) -> None:
    """Every SKU is one of the catalogue."""
    for line in body.get("line_items") or ():
        if line["sku"] not in tenant.products:
            raise bad_value("sku", line["sku"])


def act(body: Row, *, comment: bool) -> None:
    """The body of an act on a quote."""
    known: dict[str, Kind] = {"line_item_details": Text(options=DETAILS)}
    if comment:
        known["sign_externally_comment"] = Text(1000)
    checked("", body, known, ("sign_externally_comment",) if comment else ())


def new_opportunity(body: Row) -> None:
    """The body that makes an opportunity."""
    id = body.get("external_opportunity_id")
    if id in (None, ""):
        raise missing(["external_opportunity_id"])
    Text(50).check("external_opportunity_id", id)
    rest = {name: value for name, value in body.items() if name != "external_opportunity_id"}
    if "geo_code" in rest or "customer_contacts" in rest:
        raise unrecognized("geo_code" if "geo_code" in rest else "customer_contacts")
    opportunity("", rest, geo=False)


def known_query(request: Request, known: frozenset[str]) -> None:
    """Query parameters nobody knows are refused."""
    for name, _ in request.query:
        if name not in known:
            raise unrecognized(name)


def features(request: Request) -> frozenset[str]:
    """The features asked for; ``all`` stands for every one."""
    asked = [value for name, value in request.query if name == "feature"]
    for one in asked:
        if one not in FEATURES:
            raise bad_value("feature", one, FEATURES)
    return frozenset(FEATURES[:-1] if "all" in asked else asked)


def whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number of the query, within its bounds."""
    text = request.first(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise bad_value(name, text, (f"{least}..{most}",))
    return int(text)


def flag(request: Request, name: str) -> bool:
    """A yes or no of the query."""
    text = request.first(name) or "false"
    if text not in ("true", "false"):
        raise bad_value(name, text, ("true", "false"))
    return text == "true"


def own_id(id: str) -> str:
    """An id of the vendor's has at most sixteen characters."""
    if len(id) > ID_MAX:
        raise too_long("quote_id", ID_MAX)
    return id
