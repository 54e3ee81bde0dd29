"""The history of the store's schema, in Alembic's form. Imported only by ``revline migrate``."""
