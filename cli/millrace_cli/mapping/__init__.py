"""`millrace mapping`: which stream drives which handler, and how."""
