"""Read Parquet files: typed columns to JSON texts, with guards against files that grow in memory."""
