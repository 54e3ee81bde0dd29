"""Which syncs must name an identity: those whose creates nothing else keeps from being repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import CreateIdentity

NAMELESS = (
    "mapping: companies\nsource: {object: companies}\ntarget: {object: Account}\n"
    "fields: {Name: name}\n"
)


def accounts_made_by(specs, identity, field):
    """The target, whose accounts are made in another way."""
    erp = specs["erp"]
    objects = tuple(
        replace(one, create_identity=identity, identity_field=field)
        if one.name == "Account"
        else one
        for one in erp.objects
    )
    specs["erp"] = replace(erp, objects=objects)


@pytest.mark.parametrize(
    "identity", [one for one in CreateIdentity if one is not CreateIdentity.NONE]
)
def test_a_create_needs_an_identity_where_there_is_a_place_for_one(project, specs, identity):
    accounts_made_by(specs, identity, "accountNumber")
    project.mapping("companies", NAMELESS)
    (line,) = project.faults()
    assert "names no identity field for Account" in line
    assert "add `identity: accountNumber` there" in line
    project.mapping("companies", NAMELESS.replace("Account}", "Account, identity: accountNumber}"))
    assert project.load()


@pytest.mark.parametrize(
    "identity",
    [CreateIdentity.IDEMPOTENCY_KEY, CreateIdentity.OWN_NUMBER, CreateIdentity.NONE],
)
def test_none_is_asked_for_where_there_is_no_place_for_one(project, specs, identity):
    accounts_made_by(specs, identity, None)
    project.mapping("companies", NAMELESS)
    assert project.load()
