"""`millrace stream`: streams and their shards."""
