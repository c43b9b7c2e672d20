"""Parquet: typed columns."""
