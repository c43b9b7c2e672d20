"""From the queue of requested jobs to their processes, or to the runs of Prefect."""
