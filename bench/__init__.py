"""The benchmark: `scripts/bench` measures this bot and its peers, and writes docs/performance.md. No test runs it."""
