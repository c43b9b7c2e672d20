"""The fields of records as columns: from JSON texts, from cells of text and from typed columns."""
