"""JSON documents: an array of records, an object around one, or one record."""
