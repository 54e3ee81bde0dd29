"""SOQL: text → tokens → tree → rows ("SOQL and SOSL Reference", developer.salesforce.com)."""
