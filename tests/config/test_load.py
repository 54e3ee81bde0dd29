# ruff: noqa: E501  (tables read better with one case per line)
"""A project as a whole: what it becomes, and every fault with its place."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.config.model import Enabled, Endpoint, Mode, StartFrom
from engine.errors import ConfigErrors


def test_a_sound_project(project):
    config = project.load()
    left, right = config.connections["left"], config.connections["right"]
    assert left.settings == {
        "access_token": "s3cret-left", "base_url": "https://api.example.com", "style": "new",
    }  # fmt: skip
    assert right.zone.key == "Europe/Berlin"
    assert right.place == "revline.yaml:5:3"
    sync = config.syncs["companies"]
    assert sync.source == Endpoint("left", "companies")
    assert sync.enabled is Enabled.ON
    assert sync.mode is Mode.UPSERT
    assert sync.start_from.everything
    assert sync.poll_every == timedelta(minutes=5)
    assert sync.retries == 3
    assert sync.guards.deletes_max == 0
    assert sync.place == "revline.yaml:10:3"
    assert config.state == project.folder / "state"
    assert "s3cret" not in repr(config)


def test_settings_of_every_kind(project):
    project.environ |= {"PORT": "9000", "ON": "shadow", "DSN": "postgresql://u:s3cret@db/revline"}
    project.replace("environment: test", "environment: prod-1\nstore: ${DSN}\npayload_days: 7")
    project.replace(
        "syncs:",
        "defaults: {poll_every: 2m, retries: 0}\nreceiver: {port: '${PORT}', keep: 1d}\nsyncs:",
    )
    project.add(
        "    enabled: ${ON}\n    mode: update_only\n    write_order: ordered\n    on_delete: delete\n"
        "    recheck: {every: 1h, window: 30d}\n    guards: {creates_max: 5, deletes_max: null}\n"
        "    webhooks: false\n"
    )
    config = project.load()
    sync = config.syncs["companies"]
    assert config.store == "postgresql://u:s3cret@db/revline"
    assert config.receiver.port == 9000
    assert config.receiver.keep == timedelta(days=1)
    assert sync.enabled is Enabled.SHADOW
    assert sync.poll_every == timedelta(minutes=2)
    assert sync.retries == 0
    assert sync.recheck.window == timedelta(days=30)
    assert (sync.guards.creates_max, sync.guards.deletes_max) == (5, None)
    assert not sync.webhooks
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("now", StartFrom(now=True)),
        ("2026-01-01", StartFrom(since=datetime(2026, 1, 1, tzinfo=UTC))),
        ("2026-01-01T02:00:00+02:00", StartFrom(since=datetime(2026, 1, 1, tzinfo=UTC))),
    ],
)
def test_start_from(project, written, expected):
    project.replace("start_from: everything", f"start_from: {written}")
    assert project.load().syncs["companies"].start_from == expected


def test_a_date_begins_in_the_sources_zone(project):
    project.replace(
        'access_token: "${LEFT_TOKEN}"', "access_token: '${LEFT_TOKEN}', timezone: Europe/Berlin"
    )
    project.replace("start_from: everything", "start_from: 2026-01-01")
    since = project.load().syncs["companies"].start_from.since
    assert since == datetime(2025, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1", "version: 2", "revline.yaml:1:10: `version` must be one of 1"),
        ("version: 1\n", "", "revline.yaml:1:1: `version` is missing — add `version:` here"),
        ("environment: test", "enviroment: test", "revline.yaml:2:1: unknown key `enviroment` — did you mean `environment`?"),
        ("environment: test", "environment: Test!", "revline.yaml:2:14: `environment` is not a name"),
        ("connector: crm", "connector: crn", "revline.yaml:4:21: there is no connector `crn` — did you mean `crm`?"),
        ("connector: crm, ", "", "revline.yaml:4:3: `connector` is missing — add `connector:` here"),
        ('access_token: "${LEFT_TOKEN}"', "style: new", "revline.yaml:4:3: the setting `access_token` is missing — From Settings > Keys."),
        ('access_token: "${LEFT_TOKEN}"', "access_token: abc", "revline.yaml:4:40: `access_token` is a secret and must not be written into this file — write ${LEFT_ACCESS_TOKEN} here"),
        ("${LEFT_TOKEN}", "${LEFT_TOKN}", "revline.yaml:4:40: the environment variable LEFT_TOKN is not set — set it before starting"),
        ("${LEFT_TOKEN}", "${1X}", "revline.yaml:4:40: `${1X}` is not a variable"),
        ("connector: crm,", "connector: crm, stile: new,", "revline.yaml:4:26: Crm has no setting `stile` — did you mean `style`?"),
        ("connector: crm,", "connector: crm, style: odd,", "revline.yaml:4:33: `style` must be one of new, old"),
        ("connector: crm,", "connector: crm, style: [a],", "revline.yaml:4:33: `style` must be one value"),
        ("connector: crm,", "connector: crm, base_url: 'http://127.0.0.1:9',", "revline.yaml:4:36: `base_url` points to this machine — add `allow_loopback: true`"),
        ("connector: crm,", "connector: crm, base_url: 'https://[::1]/',", "revline.yaml:4:36: `base_url` points to this machine"),
        ("connector: crm,", "connector: crm, base_url: 'https://localhost.',", "revline.yaml:4:36: `base_url` points to this machine"),
        ("connector: crm,", "connector: crm, base_url: 'http://api.example.com',", "revline.yaml:4:36: `base_url` is not encrypted — use https://"),
        ("connector: crm,", "connector: crm, base_url: 'http://api.example.com', allow_loopback: true,", "revline.yaml:4:36: `base_url` is not encrypted"),
        ("connector: crm,", "connector: crm, base_url: 'https://u:p@x.example',", "revline.yaml:4:36: `base_url` must not hold a user name"),
        ("connector: crm,", "connector: crm, base_url: api.example.com,", "revline.yaml:4:36: `base_url` is not an address"),
        ("connector: crm,", "connector: crm, poll_every: 5,", "revline.yaml:4:38: `poll_every`: write a duration such as 90s, 5m, 1h or 30d"),
        ("connector: crm,", "connector: crm, allow_loopback: yes,", "revline.yaml:4:42: `allow_loopback` must be true or false — write true or false"),
        ("Europe/Berlin", "Europe/Berln", "revline.yaml:8:15: there is no such time zone"),
        ("Europe/Berlin", "../../etc/passwd", "revline.yaml:8:15: there is no such time zone"),
        ("  left:", "  Left One:", "revline.yaml:4:3: `Left One` is not a name"),
        ("from: left.companies", "from: lift.companies", "revline.yaml:11:11: there is no connection `lift` — did you mean `left`?"),
        ("from: left.companies", "from: left.company", "revline.yaml:11:11: Crm has no object `company` — did you mean `companies`?"),
        ("from: left.companies", "from: companies", "revline.yaml:11:11: `companies` does not name a connection and an object"),
        ("from: left.companies", "from: left.contacts", "revline.yaml:11:11: this names contacts, but the mapping companies is for companies"),
        ("to: right.Account", "to: left.contacts", "revline.yaml:12:9: a sync needs two different connections"),
        ("to: right.Account", "to: right.User", "revline.yaml:12:9: this names User, but the mapping companies is for Account"),
        ("mapping: companies", "mapping: companyes", "revline.yaml:13:14: there is no mapping file mappings/companyes.yaml — did you mean `companies`?"),
        ("mapping: companies", "mapping: ../companies", "revline.yaml:13:14: `mapping` is not a name"),
        ("    start_from: everything\n", "", "revline.yaml:10:3: `start_from` is missing — add `start_from:` here"),
        ("start_from: everything", "start_from: yesterday", "revline.yaml:14:17: `yesterday` is not a start"),
        ("start_from: everything", "start_from: 2026-02-30", "revline.yaml:14:17: `2026-02-30` is not a start"),
        ("start_from: everything", "start_from: 2026-01-01T00:00:00", "revline.yaml:14:17: `2026-01-01T00:00:00` is not a start"),
        ("start_from: everything", "start_from: everything\n    retries: 11", "revline.yaml:15:14: `retries`: input should be less than or equal to 10"),
        ("start_from: everything", "start_from: everything\n    retries: -1", "revline.yaml:15:14: `retries`: input should be greater than or equal to 0"),
        ("start_from: everything", "start_from: everything\n    enabled: maybe", "revline.yaml:15:14: `enabled`: write true, false or shadow"),
        ("start_from: everything", "start_from: everything\n    mode: mirror", "revline.yaml:15:11: `mode` must be one of"),
        ("start_from: everything", "start_from: everything\n    after: [owners]", "revline.yaml:15:13: there is no sync `owners`"),
        ("start_from: everything", "start_from: everything\n    after: [companies]", "revline.yaml:15:12: syncs wait for one another: companies → companies"),
        ("start_from: everything", "start_from: everything\n    guards: {deletes: 1}", "revline.yaml:15:14: unknown key `deletes` — did you mean `deletes_max`?"),
        ("environment: test", "store: mysql://db/x", "revline.yaml:2:8: `store` is not the address of a PostgreSQL database"),
        ("environment: test", "store: postgresql://u:pw@db/x", "revline.yaml:2:8: `store` holds a password"),
        ("environment: test", "receiver: {public_url: 'http://x.example'}", "revline.yaml:2:24: `public_url` is not encrypted"),
        ("environment: test", "receiver: {port: 70000}", "revline.yaml:2:18: `port`: input should be less than or equal to 65535"),
    ],
)  # fmt: skip
def test_faults_say_what_where_and_what_to_do(project, old, new, expected):
    project.replace(old, new)
    lines = project.faults()
    assert any(line.startswith(expected) for line in lines), lines
    assert len(lines) <= 2


def test_every_fault_at_once(project):
    project.replace("${LEFT_TOKEN}", "${NOPE}").replace("Europe/Berlin", "Mars")
    project.replace("mapping: companies", "mapping: other").replace("everything", "later")
    project.mapping(
        "other",
        "mapping: odd\nsource: {object: companies}\ntarget: {object: Account}\nfields: {X: = a(}\n",
    )
    assert [line.split(":")[:2] for line in project.faults()] == [
        ["mappings/other.yaml", "4"],
        ["revline.yaml", "4"],
        ["revline.yaml", "8"],
        ["revline.yaml", "14"],
    ]


def test_an_empty_variable_counts_as_missing(project):
    project.environ["LEFT_TOKEN"] = ""
    assert "LEFT_TOKEN is empty" in project.faults()[0]


def test_loopback_with_permission(project):
    project.replace(
        "connector: crm,",
        "connector: crm, allow_loopback: true, base_url: 'http://127.0.0.1:9101',",
    )
    assert project.load().connections["left"].settings["base_url"] == "http://127.0.0.1:9101"


def test_a_creating_sync_needs_an_identity(project):
    project.mapping(
        "companies",
        "mapping: companies\nsource: {object: companies}\ntarget: {object: Account}\nfields: {Name: name}\n",
    )
    (line,) = project.faults()
    assert "names no identity field for Account" in line
    assert "add `identity: Ext` there" in line
    project.add("    mode: update_only\n")
    assert project.load()


def test_what_cannot_be_written_can_only_be_linked(project):
    project.mapping(
        "users",
        "mapping: users\nsource: {object: companies}\ntarget: {object: User}\nmatch: [{Email: email}]\nfields: {}\n",
    )
    project.add(
        "  users: {from: left.companies, to: right.User, mapping: users, start_from: now}\n"
    )
    (line,) = project.faults()
    assert "User records cannot be written — use `mode: link_only`" in line
    project.replace("mapping: users,", "mapping: users, mode: link_only,")
    assert project.load().syncs["users"].mode is Mode.LINK_ONLY


def test_an_association_the_source_does_not_have(project):
    project.mapping(
        "companies",
        "mapping: companies\nsource: {object: companies}\ntarget: {object: Account, identity: Ext}\nfields: {Name: = first(associations.deals)}\n",
    )
    (line,) = project.faults()
    assert line.startswith(
        "revline.yaml:13:14: companies has no association `deals`, which mappings/companies.yaml reads"
    )


def test_files_do_not_lead_out_of_the_project(project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "companies.yaml"
    file = project.folder / "mappings" / "companies.yaml"
    file.rename(outside)
    file.symlink_to(outside)
    (line,) = project.faults()
    assert line.startswith("mappings/companies.yaml: the file leads out of the project")


def test_the_file_is_missing_or_empty(project, tmp_path):
    from engine.config.load import load

    with pytest.raises(ConfigErrors, match="no such file — run `revline init`"):
        load(tmp_path / "nowhere.yaml", {}, {})
    project.text = ""
    assert project.faults() == [
        "revline.yaml:1:1: the configuration is a block of keys — start with `version: 1`"
    ]


def test_the_digest_follows_meaning_and_not_secrets(project):
    base = project.load()
    project.environ["LEFT_TOKEN"] = "s3cret-rotated"
    project.add("\n# a comment\n")
    assert project.load().digest == base.digest
    project.replace("Europe/Berlin", "Europe/Paris")
    other = project.load()
    assert other.digest != base.digest
    assert other.syncs["companies"].digest == base.syncs["companies"].digest
    project.mapping(
        "companies",
        "mapping: companies\nsource: {object: companies}\ntarget: {object: Account, identity: Ext}\nfields: {Name: domain}\n",
    )
    assert project.load().syncs["companies"].digest != base.syncs["companies"].digest
