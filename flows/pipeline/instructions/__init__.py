"""What a job is told about its files in further files: the mapping of records and the parameters of hashes."""
