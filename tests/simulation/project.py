"""The project that simulations run: a CRM and a sales system, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PROJECT = """
version: 1
environment: simulation
connections:
  crm: {connector: memory, path: crm.db, objects: crm, poll_every: 1m}
  sales: {connector: memory, path: sales.db, objects: sales, poll_every: 1m}
defaults: {poll_every: 1m, retries: 3}
syncs:
  companies:
    from: crm.companies
    to: sales.Account
    mapping: company_to_account
    start_from: everything
    enabled: true
  contacts:
    from: crm.contacts
    to: sales.Contact
    mapping: contact_to_contact
    start_from: everything
    enabled: true
    after: [companies]
  products:
    from: crm.products
    to: sales.Product2
    mapping: product_to_product2
    start_from: everything
    enabled: true
  deals:
    from: crm.deals
    to: sales.Opportunity
    mapping: deal_to_opportunity
    start_from: everything
    enabled: true
    guards: {deletes_max: 100000}
    after: [companies]
  opportunities:
    from: sales.Opportunity
    to: crm.deals
    mapping: opportunity_to_deal
    start_from: everything
    enabled: true
    mode: update_only
"""

MAPPINGS = {
    "company_to_account": """
mapping: company_to_account
source: {object: companies}
target: {object: Account, identity: Revline_Id__c}
match:
  - {name: Website, by: {Website: domain}}
fields:
  Name: {from: name, default: Unnamed}
  Website: domain
  BillingCity: city
  NumberOfEmployees: numberofemployees
""",
    "contact_to_contact": """
mapping: contact_to_contact
source: {object: contacts, associations: [companies]}
target: {object: Contact, identity: Revline_Id__c}
match:
  - {name: Email, by: {Email: email}}
fields:
  LastName: {from: lastname, default: Unknown}
  FirstName: firstname
  Email: email
  Phone: phone
  AccountId: {ref: companies, from: = first(associations.companies), to: Account, on_missing: hold}
""",
    "product_to_product2": """
mapping: product_to_product2
source: {object: products}
target: {object: Product2, identity: Revline_Id__c}
match:
  - {name: SKU, by: {ProductCode: hs_sku}}
fields:
  Name: name
  ProductCode: hs_sku
  IsActive: {const: true}
children:
  - name: price
    key: = 'standard'
    object: PricebookEntry
    identity: Revline_Id__c
    parent_field: Product2Id
    fields:
      UnitPrice: {from: price, default: 0}
      CurrencyIsoCode: {const: USD}
""",
    "deal_to_opportunity": """
mapping: deal_to_opportunity
source: {object: deals, include: [line_items], associations: [companies]}
target: {object: Opportunity, identity: Revline_Id__c}
value_maps:
  stage:
    values: {appointment: Prospecting, proposal: Proposal, closedwon: Closed Won,
             closedlost: Closed Lost}
    unmapped: reject
fields:
  Name: {from: dealname, default: Unnamed}
  StageName: {from: dealstage, value_map: stage, owner: target}
  CloseDate: closedate
  Amount: {from: amount, owner: source}
  CurrencyIsoCode: {from: deal_currency_code, on_create_only: true}
  AccountId: {ref: companies, from: = first(associations.companies), to: Account, on_missing: hold}
children:
  - name: line_items
    include: line_items
    object: OpportunityLineItem
    identity: Revline_Id__c
    parent_field: OpportunityId
    removed: delete
    fields:
      PricebookEntryId: {ref: products/price, from: "= text(item.hs_sku) + ':standard'",
                         on_missing: hold, on_create_only: true}
      Quantity: item.quantity
      UnitPrice: item.price
""",
    "opportunity_to_deal": """
mapping: opportunity_to_deal
source: {object: Opportunity}
target: {object: deals, identity: revline_id}
value_maps:
  stage:
    values: {Prospecting: appointment, Proposal: proposal, Closed Won: closedwon,
             Closed Lost: closedlost}
    unmapped: reject
fields:
  dealstage: {from: StageName, value_map: stage, owner: source}
  amount: {from: Amount, owner: target}
""",
}


def write_project(
    folder: Path, project: str = PROJECT, mappings: Mapping[str, str] | None = None
) -> Path:
    """Put the project into a folder; ``mappings`` replace those of the same name."""
    (folder / "mappings").mkdir(parents=True, exist_ok=True)
    (folder / "revline.yaml").write_text(project)
    for name, text in {**MAPPINGS, **(mappings or {})}.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text)
    return folder
