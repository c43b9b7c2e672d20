-- grain: one row per job of the connection; the faults of its earlier attempts in order
select
    job_id,
    external_id,
    other_external_ids,
    sources,
    files,
    fault_message,
    (
        select list(job_attempts.fault_message order by job_attempts.attempt)
        from job_attempts
        where job_attempts.job_id = import_jobs.job_id
    ) as attempt_faults
from import_jobs
where connection = $connection
