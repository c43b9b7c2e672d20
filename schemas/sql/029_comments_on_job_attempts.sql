-- comments on the table job_attempts and its columns
comment on table job_attempts is 'Attempts of jobs that ended without a merge and were followed by another, one row each';
comment on column job_attempts.job_id is 'Job that was attempted';
comment on column job_attempts.attempt is 'Number of the attempt, from 1; the latest is in import_jobs';
comment on column job_attempts.flow_run_id is 'Run of Prefect that made the attempt, if any';
comment on column job_attempts.status is 'failed or canceled';
comment on column job_attempts.fault_code is 'Code of the fault that ended the attempt';
comment on column job_attempts.fault_message is 'What went wrong';
comment on column job_attempts.started_at is 'When the attempt started';
comment on column job_attempts.finished_at is 'When the attempt ended'
