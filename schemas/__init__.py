"""Declarations: the record, its rules, codes, jobs and tables. Nothing here reads, writes or computes."""
