"""SQL and memory: where streams and records are kept."""
