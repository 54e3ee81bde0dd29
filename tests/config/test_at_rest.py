"""Connections that no running sync uses need no credentials yet."""

import pytest


def off(project, word="false"):
    return project.replace(
        "start_from: everything\n", f"start_from: everything\n    enabled: {word}\n"
    )


def test_a_variable_of_a_connection_at_rest_is_no_fault(project):
    off(project)
    del project.environ["RIGHT_TOKEN"]
    config = project.load()
    assert config.connections["right"].missing == ("RIGHT_TOKEN",)
    assert "access_token" not in config.connections["right"].settings
    assert config.connections["left"].missing == ()


@pytest.mark.parametrize("word", ["true", "shadow", "${ON}", "sometimes"])
def test_whatever_runs_needs_its_variables(project, word):
    off(project, word)
    project.environ |= {"ON": "true"}
    del project.environ["RIGHT_TOKEN"]
    assert any("RIGHT_TOKEN is not set" in fault for fault in project.faults())


def test_one_running_sync_is_enough(project):
    off(project)
    project.mapping("more", "mapping: more\nsource: {object: contacts}\n"
                    "target: {object: Contact, identity: Ext}\nfields: {Name: name}\n")  # fmt: skip
    project.add(
        "  more: {from: left.contacts, to: right.Contact, mapping: more, start_from: now}\n"
    )
    del project.environ["RIGHT_TOKEN"]
    assert "RIGHT_TOKEN is not set" in project.faults()[0]


def test_whether_it_runs_may_come_from_the_environment(project):
    off(project, "${ON}")
    project.environ |= {"ON": "false"}
    del project.environ["LEFT_TOKEN"], project.environ["RIGHT_TOKEN"]
    config = project.load()
    assert [one.missing for one in config.connections.values()] == [
        ("LEFT_TOKEN",),
        ("RIGHT_TOKEN",),
    ]


def test_half_an_address_is_none(project):
    off(project)
    project.replace(
        "access_token: ${RIGHT_TOKEN}",
        "access_token: ${RIGHT_TOKEN}\n    base_url: https://${HOST}/api",
    )
    assert project.load().connections["right"].missing == ("HOST",)
    assert "base_url" not in project.load().connections["right"].settings


def test_what_every_connection_has_is_not_spared(project):
    off(project)
    project.replace("timezone: Europe/Berlin", "timezone: ${ZONE}")
    assert "ZONE is not set" in project.faults()[0]


def test_a_misspelt_variable_is_told_whatever_runs(project):
    off(project)
    project.replace("${RIGHT_TOKEN}", "${RIGHT TOKEN}")
    assert "is not a variable" in project.faults()[0]
