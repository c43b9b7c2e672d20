"""The language of mapping files and source profiles: what each says, and where in a record a path leads."""
