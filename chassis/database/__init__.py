"""A service's database: one file, one process, one writer thread with group commit, readers on snapshots."""
