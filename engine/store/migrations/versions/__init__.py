"""One file per revision, numbered as the store's schema is."""
