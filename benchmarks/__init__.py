"""Ratios of Millrace to floors measured in the same run."""
