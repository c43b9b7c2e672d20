-- grain: one row, the attempt of a job that the next one follows
insert into job_attempts
select job_id, attempts, flow_run_id, status, fault_code, fault_message, started_at, finished_at
from import_jobs
where job_id = $job_id
