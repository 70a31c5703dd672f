"""The moving parts: what talks to the stream service and to handlers, and what keeps each shard going."""
