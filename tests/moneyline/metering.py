"""The custom object in which a product reports its usage, as an administrator makes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sandbox.salesforce.schema import with_package
from tests.moneyline.world import MoneyLine

_OBJECT = """
picklists: {}
objects:
  Usage__c:
    prefix: a0U
    fields:
      Name: string 80
      Opportunity__c: reference to=Opportunity as=Opportunity__r children=Usages__r
      Meter__c: string 80
      Units__c: double 12,4
      Used_At__c: datetime
      Revline_Id__c: string 255 unique external_id
"""


def install(line: MoneyLine) -> None:
    """Make the object."""
    path = Path(line.folder) / "usage.yaml"
    path.write_text(_OBJECT)
    simulator = line.simulators["salesforce"]
    with simulator.lock:
        simulator.org.install(with_package(simulator.org.schema, path))


def used(line: MoneyLine, deal: str, on: date, units: str, meter: str = "api_calls") -> str:
    """The product reports so many units."""
    row = line.do("salesforce", "Usage__c", "create", None, {
        "Opportunity__c": deal, "Meter__c": meter, "Units__c": units,
        "Used_At__c": f"{on.isoformat()}T10:00:00.000+0000",
    })  # fmt: skip
    return str(row["Id"])
