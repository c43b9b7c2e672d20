-- grain: one row, the attempt that the job in import_jobs is as
delete from job_attempts
using import_jobs
where
    job_attempts.job_id = $job_id
    and import_jobs.job_id = job_attempts.job_id
    and job_attempts.attempt = import_jobs.attempts
