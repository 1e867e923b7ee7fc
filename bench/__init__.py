"""The benchmark of docs/performance.md."""
