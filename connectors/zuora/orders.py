"""Orders: which are too large to wait for, and what became of a job.

Zuora API reference, "Create an order asynchronously" and "Retrieve status and response of a job":
a job's answer says ``success: true`` even when the job failed; its ``status`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.errors import CallError, OutcomeUnknown, Rejected
from connectors.records import Fields, Value
from connectors.zuora.errors import About, Refusal, call_error
from connectors.zuora.rest import Call, Rest, path_of

ASYNC_PATH: Final = "/v1/async/orders"
JOB_PATH: Final = "/v1/async-jobs/{}"
# The asynchronous operation takes neither drafts nor schedules.
_SYNCHRONOUS_ONLY: Final = frozenset({"status", "schedulingOptions"})
_CHARGE_LISTS: Final = ("chargeOverrides", "chargeUpdates")


def charges_of(order: Fields) -> int:
    """How many charges an order is about: those named, and one for each plan that names none."""
    return sum(_charges(order.get(name)) for name in ("subscriptions", "orderLineItems"))


def _charges(value: Value | None) -> int:
    if isinstance(value, Mapping):
        named = [value[name] for name in _CHARGE_LISTS if name in value]
        if "productRatePlanId" in value or "productRatePlanNumber" in value or named:
            lists = [one for one in named if isinstance(one, Sequence)]
            own = max(1, sum(len(one) for one in lists))
            return own + sum(
                _charges(inner) for name, inner in value.items() if name not in _CHARGE_LISTS
            )
        if "itemName" in value:
            return 1
        return sum(_charges(inner) for inner in value.values())
    if isinstance(value, tuple | list):
        return sum(_charges(inner) for inner in value)
    return 0


def asynchronous(order: Fields, most: int) -> bool:
    """Whether to send the order as a job."""
    return charges_of(order) > most and not _SYNCHRONOUS_ONLY.intersection(order)


def order_by_job(rest: Rest, call: Call) -> Mapping[str, object]:
    """Send the order as a job and look at the job once; its result when it is already done.

    Raises ``OutcomeUnknown`` while it runs: looking up the order says how it went.
    """
    job = rest.send(call).body.get("jobId")
    if not isinstance(job, str) or not job:
        raise OutcomeUnknown("the job of an order has no id", code="ANSWER_SHAPE")
    try:
        body = rest.get(path_of(JOB_PATH, job)).body
    except CallError as error:
        raise OutcomeUnknown(
            f"the order was taken in as job {job}, which cannot be seen now: {error.message}",
            code="ORDER_RUNNING",
        ) from None
    return _result(body, job, call.about)


def _result(body: Mapping[str, object], job: str, about: About) -> Mapping[str, object]:
    status = body.get("status")
    if status == "Failed":
        error = call_error(Refusal(200, {"errors": body.get("errors") or "no reason given"}), about)
        if type(error) is Rejected:
            error = Rejected(error.message, code="ORDER_FAILED", field_errors=error.field_errors)
        raise error
    result = body.get("result")
    if status == "Completed" and isinstance(result, Mapping):
        return result
    raise OutcomeUnknown(
        f"the order was taken in as job {job}, which is still running", code="ORDER_RUNNING"
    )


def order_fields(answer: Mapping[str, object]) -> dict[str, Value]:
    """The numbers an order's answer holds, under the names of :func:`order_outcome`."""
    listed = answer.get("subscriptions")
    named = [
        one.get("subscriptionNumber")
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping)
    ]
    found: dict[str, Value] = {
        "subscriptionNumbers": _texts(answer.get("subscriptionNumbers")) or _texts(named)
    }
    for name in ("invoiceNumbers", "creditMemoNumbers"):
        found[name] = _texts(answer.get(name))
    return found


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(one for one in listed if isinstance(one, str) and one))
