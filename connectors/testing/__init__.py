"""What every connector is held to, and the tools to do it. Needs pytest and hypothesis."""
