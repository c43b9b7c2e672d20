"""Read records by a mapping: values at paths, fields from values, and what has no field into the metadata."""
