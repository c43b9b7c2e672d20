"""The database, the job folders and the locks: all that outlives a process."""
