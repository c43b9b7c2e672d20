-- grain: one row per attempt of a job that ended without a merge and was followed by another
create table job_attempts (
    job_id varchar not null,
    attempt integer not null,
    flow_run_id varchar,
    status varchar not null,
    fault_code varchar,
    fault_message varchar,
    started_at timestamptz,
    finished_at timestamptz
)
