"""`millrace bench`: how fast an installation stores records and hands them out again."""
