"""What is true: the record, its rules, codes, jobs and tables. Declarations only; nothing here computes."""
