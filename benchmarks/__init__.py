"""How fast the engine is beside a plain loop, measured in one run: ``python -m benchmarks``."""
