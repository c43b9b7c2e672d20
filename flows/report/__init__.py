"""Show a job to people and programs: on the terminal, in Prefect, by mail and webhook, as files."""
