"""`millrace handler`: the programs that records are brought to."""
