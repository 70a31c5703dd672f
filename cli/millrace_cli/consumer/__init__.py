"""`millrace consumer`: registered consumers, to which shards are pushed."""
