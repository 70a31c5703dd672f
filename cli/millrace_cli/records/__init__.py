"""`millrace put`, `get` and `tail`: records in and out of a stream."""
