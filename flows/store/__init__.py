"""Store what outlives a process: the database, the job folders and the locks; a job's steps are in `flows.pipeline`."""
