"""What ``revline init`` writes: connections, syncs, mappings and the files around them."""
