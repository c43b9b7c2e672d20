-- grain: one row, the phase that a running job has reached
update import_jobs set status = $status where job_id = $job_id
