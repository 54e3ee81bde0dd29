"""Both simulators on loopback, the shipped mappings, and an engine over the official SDKs.

One clock drives the engine and both simulators. Whoever sleeps on it moves it, so that back-offs,
index delays and hours between polls take no time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import uvicorn

from engine import receiver
from engine.app import Project, connector_specs
from engine.config.load import load
from engine.config.model import Config
from engine.model import Address, NewRow, Origin
from engine.pipeline.poll import backfill_stream
from engine.runner import BACKFILL_SINCE, Runner
from engine.store import connections, delivery_views, inbox, issues, ledger, streams
from engine.store.issues import StoredIssue
from engine.store.streams import Stream
from sandbox.app import build
from sandbox.clock import VirtualClock
from sandbox.hubspot.oauth import ACCESS_TOKEN
from sandbox.hubspot.oauth import CLIENT_SECRET as HUBSPOT_SECRET
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET
from sandbox.server import serve
from sandbox.simulator import Mutation
from tests.endtoend.calls import Spent

ROOT = Path(__file__).parents[2]
SYSTEMS = ("hubspot", "salesforce")
SMALL = {"companies": 12, "contacts": 30, "products": 6, "deals": 12}
BLANK = {"owners": 2, "companies": 0, "contacts": 0, "products": 0, "deals": 0}
WRITTEN_OBJECTS = (
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "OpportunityLineItem",
    "OpportunityContactRole",
    "Product2",
    "PricebookEntry",
)
PUBLIC_URL = "https://hooks.example.com"
WAIT_SECONDS = 60

Fields = Mapping[str, Any]


class LineClock:
    """Real time moved by an offset, the same offset in both simulators. Sleeping moves it."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._lock = threading.Lock()
        self.simulators: tuple[VirtualClock, ...] = ()

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._offset

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        if wake is None or not wake.is_set():
            self.shift(timedelta(seconds=seconds))

    def shift(self, by: timedelta) -> None:
        with self._lock:
            self._offset += by
        for clock in self.simulators:
            clock.shift(by)


_MONEY = re.compile(
    r"^ *# -- quotes, billing, payments, ERP.*?# -- end of [^\n]*\n", re.DOTALL | re.MULTILINE
)
_LATER_SYNCS = "  # -- From MQL to Closed Won"


def project_text(urls: Mapping[str, str]) -> str:
    """The shipped example without selling and money, pointed at the simulators."""
    text = _MONEY.sub("", (ROOT / "config.example.yaml").read_text()).partition(_LATER_SYNCS)[0]
    text = text.replace('    # base_url: "http://127.0.0.1:9101" # the sandbox, together with:', "")
    text = text.replace("    # allow_loopback: true", "")
    text = text.replace(
        "    connector: hubspot\n",
        f"    connector: hubspot\n    base_url: {urls['hubspot']}\n    allow_loopback: true\n",
    )
    return text.replace(
        "    connector: salesforce\n    login_url: https://example.my.salesforce.com\n",
        "    connector: salesforce\n    allow_loopback: true\n"
        f"    login_url: {urls['salesforce']}\n",
    )


class Line:
    """The whole line. ``seed`` and ``sizes`` draw the data of the simulators; ``edit`` may change
    the text of ``revline.yaml``."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 7,
        sizes: Mapping[str, int] | None = SMALL,
        edit: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.hubspot = build("hubspot", seed, sizes)
        self.salesforce = build("salesforce", seed, sizes)
        self.clock = LineClock()
        self.clock.simulators = (self.hubspot.clock, self.salesforce.clock)
        self.running = serve([self.hubspot, self.salesforce])
        self.urls = dict(self.running.urls)
        self.folder = folder
        (folder / "revline.yaml").write_text(edit(project_text(self.urls)))
        if not (folder / "mappings").exists():
            _copy(folder)
        self.environ = {
            "HUBSPOT_TOKEN": ACCESS_TOKEN,
            "HUBSPOT_CLIENT_SECRET": HUBSPOT_SECRET,
            "SALESFORCE_CLIENT_ID": CLIENT_ID,
            "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        }
        self.options("hubspot", rate_scale=1000, index_delay_seconds=0)
        self.prepare()
        self.boot()

    # -- the engine ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """What `revline setup --apply` would do."""
        self.post("salesforce", "external_ids", {"objects": WRITTEN_OBJECTS})
        unique = {"name": "revline_id", "hasUniqueValue": True}
        with self.hubspot.lock:
            self.hubspot.load({"properties": {"contacts": [unique], "deals": [unique]}})

    def boot(self) -> None:
        """Start the engine, as a new process would."""
        config = load(self.folder, self.environ, connector_specs())
        self.project = Project(config, self.environ, self.clock, lambda _text: None)
        self.store = self.project.open_store()
        self.services = self.project.services(self.store)
        self.runner = Runner(self.services, self.project.spool())
        self.runner.recover()

    @property
    def config(self) -> Config:
        return self.services.config

    def restart(self) -> None:
        """End the engine without a word, and start another on the same store."""
        self.store.close()
        self.boot()

    def close(self) -> None:
        self.store.close()
        self.running.stop()

    def shift(self, **by: float) -> None:
        """Let time pass, for the engine and both systems."""
        self.clock.shift(timedelta(**by))

    def settle(self) -> None:
        """Poll everything once and work until idle."""
        self.runner.poll_now()
        assert self.runner.until_idle(3600, look_again=False), self.tally()

    def calm(self, rounds_max: int = 8) -> None:
        """Settle until a round of polls brings no write; to go on for ever is a failure."""
        for _ in range(rounds_max):
            with self.spent() as spent:
                self.settle()
            if not spent.writes:
                return
            self.shift(seconds=30)
        raise AssertionError(f"still writing after {rounds_max} rounds: {spent.writes}")

    def rest(self, **by: float) -> None:
        """Let time pass, then settle until calm."""
        self.shift(**(by or {"minutes": 10}))
        self.calm()

    def backfill(self, *names: str) -> None:
        """What `revline backfill` does: read the past of syncs again."""
        with self.store.write() as tx:
            for name in names or [sync.name for sync in self.services.active_syncs()]:
                stream = backfill_stream(name)
                now = self.clock.now()
                streams.put(
                    tx, Stream(stream, None, at_head=False, finished_at=None, updated_at=now)
                )
                streams.put_meta(tx, BACKFILL_SINCE + name, "")

    def recheck(self, sync: str, id: str) -> None:
        """What `revline issues resync` does for one record."""
        source = self.config.syncs[sync].source
        address = Address(source.connection, source.object, id)
        row = NewRow(address, "changed", Origin.OPERATOR, self.clock.now(), only_sync=sync)
        with self.store.write() as tx:
            inbox.add(tx, [row])

    # -- looking ---------------------------------------------------------------------------------

    def issues(self) -> list[StoredIssue]:
        with self.store.read() as tx:
            return issues.listed(tx, self.store.payloads)

    def codes(self) -> list[str]:
        return sorted(issue.code for issue in self.issues())

    def tally(self) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def lines(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return list(ledger.exported(tx))

    def verify(self) -> None:
        """The ledger is whole, nothing is left in doubt, nobody objects to what we did."""
        head = self.store.seal()
        with self.store.read() as tx:
            found = ledger.verify(tx, self.store.vault, head)
        assert (found.fault, found.unsealed) == (None, 0)
        for sync, states in self.tally().items():
            assert not {"leased", "in_doubt"} & set(states), (sync, states)
        for system in SYSTEMS:
            assert self.simulator(system).journal.violations == []

    def connection(self, name: str) -> connections.ConnectionState | None:
        with self.store.read() as tx:
            return connections.every(tx).get(name)

    def resume(self, name: str) -> None:
        """What `revline connections resume` does."""
        with self.store.write() as tx:
            connections.resume(tx, name)
        self.services.gateway.refresh()

    # -- the systems -----------------------------------------------------------------------------

    def simulator(self, system: str) -> Any:
        return self.hubspot if system == "hubspot" else self.salesforce

    def get(self, system: str, what: str) -> Any:
        answer = requests.get(f"{self.running.admin_url(system)}/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, system: str, what: str, body: Mapping[str, Any]) -> Any:
        answer = requests.post(f"{self.running.admin_url(system)}/{what}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def options(self, system: str, **options: Any) -> None:
        self.post(system, "options", options)

    def fault(self, system: str, **rule: Any) -> str:
        """Add a fault rule; answers its id."""
        found = self.post(system, "faults", rule)["rules"][0]["id"]
        return str(found)

    def clear_faults(self) -> None:
        for system in SYSTEMS:
            self.simulator(system).faults.clear()

    def mutate(
        self, system: str, object: str, op: str, id: str | None = None, /, **fields: Any
    ) -> Any:
        """An edit as a person makes it in the vendor's screens."""
        simulator = self.simulator(system)
        with simulator.lock:
            return simulator.mutate(Mutation(object, op, id, fields))

    def create(self, system: str, object: str, /, **fields: Any) -> str:
        made = self.mutate(system, object, "create", **fields)
        return str(made["id"] if system == "hubspot" else made["Id"])

    def update(self, system: str, object: str, id: str, /, **fields: Any) -> None:
        self.mutate(system, object, "update", id, **fields)

    def associate(self, object: str, id: str, other: str, other_id: str) -> None:
        self.mutate("hubspot", object, "associate", id, object=other, id=other_id)

    def live(self, system: str, object: str) -> dict[str, Fields]:
        """The records of one object that are neither deleted nor archived, by id."""
        simulator = self.simulator(system)
        with simulator.lock:
            return {
                str(id): dict(fields)
                for name, id, fields in simulator.live_records()
                if name == object
            }

    def one(self, system: str, object: str) -> Fields:
        (record,) = self.live(system, object).values()
        return record

    def counts(self, system: str) -> dict[str, dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, dict[str, Any]]] = self.simulator(system).grouped_counts()
        return found

    @contextmanager
    def spent(self) -> Iterator[Spent]:
        """What is called inside the block."""
        marks = {system: len(self.simulator(system).journal.entries) for system in SYSTEMS}
        spent = Spent()
        yield spent
        for system in SYSTEMS:
            entries = self.simulator(system).journal.entries[marks[system] :]
            spent.entries[system] = entries
            for entry in entries:
                spent.calls[system, entry.request.method, entry.template] += 1

    # -- webhooks --------------------------------------------------------------------------------

    @contextmanager
    def receiving(self) -> Iterator[str]:
        """The receiver on a port of its own, HubSpot's webhooks pointed at it; yields its URL.

        Nothing is sent of itself (``paused``); :meth:`emit` sends.
        """
        listening = receiver.listen("127.0.0.1", 0)
        url = receiver.address_of(listening).url
        self.project.make_state()
        parts = self.project.receiver_parts(lambda: None)
        server = uvicorn.Server(receiver._server_configuration(parts, parts.limits))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            self.post(
                "hubspot",
                "webhooks",
                {
                    "url": f"{url}/webhooks/hubspot",
                    "secret": HUBSPOT_SECRET,
                    "signed_url": f"{PUBLIC_URL}/webhooks/hubspot",
                },
            )
            yield url
        finally:
            self.hubspot.sender.configure(None)
            server.should_exit = True
            thread.join(WAIT_SECONDS)
            listening.close()
            assert not thread.is_alive()

    def delivered(self) -> list[Mapping[str, Any]]:
        """Waits until every webhook that is due has been answered; the events and their answers."""
        report = self.get("hubspot", f"emit?wait_seconds={WAIT_SECONDS}")
        return list(report["events"])


def load_hubspot(line: Line, objects: Mapping[str, Sequence[Fields]]) -> None:
    """Records that have always been there: no events."""
    with line.hubspot.lock:
        line.hubspot.load({"objects": objects})


def _copy(folder: Path) -> None:
    (folder / "mappings").mkdir()
    for file in (ROOT / "mappings").glob("*.yaml"):
        (folder / "mappings" / file.name).write_text(file.read_text())
