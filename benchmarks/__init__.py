"""How fast a press is, against what the same machine's disk and broker cost alone. docs/benchmarks.md tells more."""
