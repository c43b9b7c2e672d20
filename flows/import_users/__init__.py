"""The import as a command and as a Prefect flow."""
