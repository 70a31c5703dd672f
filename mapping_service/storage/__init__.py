"""Where mappings, handlers, leases and dead letters are kept: in SQL, and a twin in memory with the same promises."""
