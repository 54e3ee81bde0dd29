# ruff: noqa: S101 - a contract is made of assertions
"""Contract: what is declared is complete, true, and safe to show."""

from __future__ import annotations

import re

import pytest

from connectors import registry
from connectors.base import (
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    SetupKind,
    SetupNeed,
)
from connectors.errors import Rejected
from connectors.testing.bench import Bench
from connectors.testing.needs import needs

_SECRET = re.compile(r"secret|token|password|private_key|api_key|credential", re.IGNORECASE)


class Declaring:
    """Declarations, check, describe, set-up."""

    def test_the_declaration_is_complete(self, bench: Bench) -> None:
        spec: ConnectorSpec = bench.connector.spec
        assert spec.name == bench.kind
        assert spec.title
        assert spec.documentation
        assert spec.objects
        assert spec.limits
        assert bench.kind in registry.kinds()
        assert spec.webhooks == (registry.receiver(bench.kind) is not None)
        for limit in spec.limits:
            assert limit.name
            assert limit.calls > 0
            assert limit.window.total_seconds() > 0

    def test_the_facts_of_every_object_are_there(self, bench: Bench) -> None:
        spec: ConnectorSpec = bench.connector.spec
        names = [one.name for one in spec.objects]
        assert len(names) == len(set(names))
        for one in spec.objects:
            sizes = (one.batch_read, one.batch_write, one.page_list, one.page_changes)
            assert all(size > 0 for size in sizes), one.name
            assert one.label, one.name
            assert one.source, f"{one.name} does not say which page its facts come from"
            assert one.overlap.total_seconds() > 0, one.name
            assert (one.cursor_field is None) == (one.granularity is Granularity.NONE), one.name
            if one.create_identity in (CreateIdentity.EXTERNAL_ID, CreateIdentity.UNIQUE_PROPERTY):
                assert one.identity_field, one.name
            if one.create_identity is CreateIdentity.IDEMPOTENCY_KEY:
                assert one.replay_horizon is not None, one.name
            for child in one.children:
                assert spec.object(child) is not None, f"{one.name} has an unknown child {child}"

    def test_settings_are_described_and_secrets_flagged(self, bench: Bench) -> None:
        settings = bench.connector.spec.settings
        names = [setting.name for setting in settings]
        assert len(names) == len(set(names))
        for setting in settings:
            assert setting.title, setting.name
            assert len(setting.description) > len(setting.title), setting.name
            if setting.secret:
                assert setting.default is None, f"{setting.name} is a secret with a default"
            elif _SECRET.search(setting.name) and not setting.name.endswith(("_url", "_host")):
                pytest.fail(f"{setting.name} looks like a secret and is not flagged as one")
            if setting.choices and setting.default is not None:
                assert setting.default in setting.choices, setting.name

    def test_check_says_which_account_answered(self, bench: Bench) -> None:
        before = bench.world.calls()
        identity = bench.connector.check()
        assert bench.world.calls() - before <= 2, "one call, and a token at most"
        assert identity.id
        assert identity.environment in ("production", "sandbox", "unknown")
        assert bench.again().check() == identity
        if bench.sample.account_is is not None:
            assert identity.id == bench.sample.account_is

    @needs("Describes")
    def test_describe_knows_the_fields(self, bench: Bench) -> None:
        described = bench.connector.describe(bench.sample.object)
        spec = bench.connector.spec.object(bench.sample.object)
        assert described.name == bench.sample.object
        assert {bench.sample.text, bench.sample.match} <= set(described.fields)
        for name, one in described.fields.items():
            assert one.name == name
            assert not one.restricted or one.options, f"{name} is restricted to nothing"
        for type, name in bench.sample.typed.items():
            assert described.fields[name].type is type, name
        if spec.identity_field:
            assert described.fields[spec.identity_field].unique

    @needs("Describes")
    def test_describe_refuses_an_unknown_object(self, bench: Bench) -> None:
        with pytest.raises(Rejected):
            bench.connector.describe("no_such_object")

    @needs("SetsUp")
    def test_setting_up_twice_is_harmless(self, bench: Bench) -> None:
        spec = bench.connector.spec.object(bench.sample.object)
        if spec.identity_field is None:
            return
        need = SetupNeed(SetupKind.IDENTITY_FIELD, bench.sample.object, spec.identity_field)
        other = SetupNeed(SetupKind.PERMISSION, bench.sample.object, "read")
        steps = bench.connector.inspect([other, need])
        assert [step.need for step in steps] == [other, need]
        assert all(step.instructions for step in steps if step.present is not True)
        if steps[1].creatable:
            bench.connector.create(need)
            bench.connector.create(need)
            assert bench.again().inspect([need])[0].present is True

    def test_no_secret_shows_in_a_connector(self, bench: Bench) -> None:
        for shown in (repr(bench.connector), str(bench.connector)):
            assert not [secret for secret in bench.secrets if secret in shown]
