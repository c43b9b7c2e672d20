-- grain: one row, the job that carries out the plan of a dry run
update import_jobs set applies_job = $applies where job_id = $job_id
