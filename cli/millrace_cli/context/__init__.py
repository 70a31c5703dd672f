"""`millrace context`: named addresses."""
