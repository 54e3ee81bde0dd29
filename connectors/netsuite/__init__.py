"""NetSuite: any record of the REST API, found by SuiteQL."""
