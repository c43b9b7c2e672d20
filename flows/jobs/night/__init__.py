"""What became of the files and jobs of the last day, and what needs a person: the command `jobs night` and its flow."""
