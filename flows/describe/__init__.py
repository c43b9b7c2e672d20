"""Commands that describe records and files: the schema of a record, templates, profiles and mappings."""
