"""SuiteQL, the query language, over the account's records."""
