"""Read JSON documents: an array of records, an object that contains one, or a single record."""
