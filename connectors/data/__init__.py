"""Lists that ship with the connectors."""
