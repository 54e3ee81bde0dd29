"""Envelopes: made from a template, sent in turn, signed, declined, voided, changed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.docusign import OFFER_ID, ORDER_FORM_ID

from .conftest import ROLES, Client


def test_everything_is_a_string_with_seven_decimals(account: Client) -> None:
    id = account.envelope(
        customFields={"textCustomFields": [{"name": "opportunityId", "value": "O"}]}
    )
    shown = account.ok("GET", f"/envelopes/{id}", include="custom_fields,recipients")

    def scalars(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [one for inner in value.values() for one in scalars(inner)]
        if isinstance(value, list):
            return [one for inner in value for one in scalars(inner)]
        return [value]

    assert {type(one) for one in scalars(shown)} == {str}
    assert shown["sentDateTime"] == "2026-09-01T08:20:00.0000000Z"
    assert shown["enableWetSign"] == "true"
    assert shown["recipients"]["recipientCount"] == "2"
    assert shown["customFields"]["textCustomFields"][0]["value"] == "O"
    assert "customFields" not in account.ok("GET", f"/envelopes/{id}")


def test_recipients_sign_in_turn_and_the_last_one_completes_it(account: Client) -> None:
    id = account.envelope()
    first, second = account.ok("GET", f"/envelopes/{id}/recipients")["signers"]
    assert (first["status"], second["status"]) == ("sent", "created")
    account.act("deliver", id, who="ada@acme.example")
    assert account.act("sign", id, who="Customer")["status"] == "sent"
    done = account.act("sign", id)
    assert done["status"] == "completed"
    assert done["completedDateTime"] == done["statusChangedDateTime"]
    assert [one["status"] for one in done["recipients"]["signers"]] == ["completed"] * 2


def test_an_envelope_is_delivered_once_all_have_opened_it(account: Client) -> None:
    id = account.envelope(templateRoles=ROLES[:1])
    assert account.act("deliver", id)["status"] == "delivered"


def test_the_offer_has_the_role_that_the_shipped_mappings_fill(account: Client) -> None:
    role = {"roleName": "Signer", "name": "Ada Ng", "email": "ada@acme.example"}
    id = account.envelope(templateId=OFFER_ID, templateRoles=[role])
    assert account.act("sign", id)["status"] == "completed"
    names = [one["name"] for one in account.ok("GET", "/templates")["envelopeTemplates"]]
    assert names == ["Order form", "Offer", "Renewal"]


def test_a_declined_envelope_has_ended(account: Client) -> None:
    id = account.envelope()
    shown = account.act("decline", id, reason="Too dear")
    assert shown["status"] == "declined"
    assert shown["recipients"]["signers"][0]["declinedReason"] == "Too dear"
    void = {"status": "voided", "voidedReason": "x"}
    code = account.refused("PUT", f"/envelopes/{id}", void)
    assert code == "ENVELOPE_CANNOT_VOID_INVALID_STATE"
    code = account.refused("PUT", f"/envelopes/{id}", {"emailSubject": "y"})
    assert code == "ENVELOPE_INVALID_STATUS"


def test_voiding_needs_a_reason_and_an_envelope_under_way(account: Client) -> None:
    id = account.envelope()
    assert (
        account.refused("PUT", f"/envelopes/{id}", {"status": "voided"}) == "INVALID_REQUEST_BODY"
    )
    account.ok("PUT", f"/envelopes/{id}", {"status": "voided", "voidedReason": "Wrong price"})
    shown = account.ok("GET", f"/envelopes/{id}")
    assert (shown["status"], shown["voidedReason"]) == ("voided", "Wrong price")
    draft = account.envelope("created")
    body = {"status": "voided", "voidedReason": "x"}
    code = account.refused("PUT", f"/envelopes/{draft}", body)
    assert code == "ENVELOPE_CANNOT_VOID_INVALID_STATE"


def test_a_draft_is_sent_later_and_resent_only_when_under_way(account: Client) -> None:
    id = account.envelope("created")
    code = account.refused("PUT", f"/envelopes/{id}", {}, resend_envelope="true")
    assert code == "EDIT_LOCK_INVALID_STATE_FOR_LOCK"
    account.ok("PUT", f"/envelopes/{id}", {"status": "sent"})
    account.shift(60)
    account.ok("PUT", f"/envelopes/{id}", {}, resend_envelope="true")
    signer = account.ok("GET", f"/envelopes/{id}/recipients")["signers"][0]
    assert signer["sentDateTime"] == "2026-09-01T08:21:00.0000000Z"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"templateId": "00000000-0000-4000-8000-000000000000"}, "TEMPLATE_ID_INVALID"),
        ({"status": "completed"}, "INVALID_REQUEST_BODY"),
        ({"templateRoles": [{"roleName": "Nobody"}]}, "INVALID_REQUEST_BODY"),
        ({"templateRoles": []}, "ENVELOPE_IS_INCOMPLETE"),
        ({"templateRoles": [{**ROLES[0], "email": "ada"}]}, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT"),
        ({"templateRoles": [{**ROLES[0], "name": ""}]}, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT"),
        ({"emailSubject": "x" * 101}, "INVALID_REQUEST_BODY"),
        ({"templateRoles": "all"}, "INVALID_REQUEST_BODY"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_leaves_nothing(
    account: Client, change: dict[str, Any], code: str
) -> None:
    body = {"templateId": ORDER_FORM_ID, "templateRoles": ROLES, "status": "sent", **change}
    assert account.refused("POST", "/envelopes", body) == code
    assert account.look("state")["objects"]["envelopes"] == {}
    assert account.look("log")["entries"][-1]["applied"] is False


def test_a_part_that_fails_is_told_inside_a_success(account: Client) -> None:
    fields = [{"name": "good", "value": "1"}, {"name": "long", "value": "x" * 101}]
    body = {"templateId": ORDER_FORM_ID, "templateRoles": ROLES, "status": "created"}
    made = account.ok("POST", "/envelopes", {**body, "customFields": {"textCustomFields": fields}})
    assert made["errorDetails"]["errorCode"] == "INVALID_CUSTOM_FIELD_VALUE"
    path = f"/envelopes/{made['envelopeId']}/custom_fields"
    (held,) = account.ok("GET", path)["textCustomFields"]
    wanted = [{**held, "value": "2"}, {"fieldId": "77", "value": "3"}]
    told = account.ok("PUT", path, {"textCustomFields": wanted})["textCustomFields"]
    codes = [one["errorDetails"]["errorCode"] for one in told]
    assert codes == ["SUCCESS", "INVALID_CUSTOM_FIELD_ID"]
    again = account.ok("POST", path, {"textCustomFields": [{"name": "good", "value": "4"}]})
    (told,) = again["textCustomFields"]
    assert told["errorDetails"]["errorCode"] == "DUPLICATE_CUSTOM_FIELD"
    assert account.ok("GET", path)["textCustomFields"][0]["value"] == "2"


def test_a_person_at_work_on_an_envelope_locks_it(account: Client) -> None:
    id = account.envelope()
    account.act("lock", id)
    code = account.refused("PUT", f"/envelopes/{id}", {"emailSubject": "New"})
    assert code == "EDIT_LOCK_NOT_LOCK_OWNER"
    account.act("unlock", id)
    account.ok("PUT", f"/envelopes/{id}", {"emailSubject": "New"})


def test_writes_are_counted_by_transaction(account: Client) -> None:
    id = account.envelope("created", transactionId="T-1")
    account.ok("PUT", f"/envelopes/{id}", {"emailSubject": "New"})
    account.ok("PUT", f"/envelopes/{id}", {"emailSubject": "New"})
    counts = account.look("counts?by=external_id")["counts"]["envelopes"]["T-1"]
    assert (counts["creates"], counts["changing_updates"], counts["unchanged_updates"]) == (1, 1, 1)


def test_a_thrown_away_envelope_is_only_found_by_its_id(account: Client) -> None:
    id = account.envelope()
    account.act("delete", id)
    assert account.found() == []
    assert account.found(envelope_ids=id) == [id]
    code = account.refused("PUT", f"/envelopes/{id}", {"emailSubject": "x"})
    assert code == "ENVELOPE_DOES_NOT_EXIST"


@pytest.mark.parametrize("word", ["sign", "deliver", "decline"])
def test_nobody_signs_out_of_turn(account: Client, word: str) -> None:
    id = account.envelope()
    body = {"object": "envelopes", "op": word, "id": id, "fields": {"who": "Revline"}}
    answer = account.http.post(f"{account.admin_url}/mutate", json=body, timeout=5)
    assert answer.status_code == 400
    assert "RECIPIENT_NOT_IN_SEQUENCE" in answer.json()["error"]
