-- grain: one row per earlier attempt of a job whose external id, sources or faults named a forgotten user
-- reads: renamed_jobs
update job_attempts
set fault_message = renamed_jobs.attempt_faults[job_attempts.attempt]
from renamed_jobs
where
    job_attempts.job_id = renamed_jobs.job_id
    and job_attempts.fault_message is distinct from renamed_jobs.attempt_faults[job_attempts.attempt]
