-- grain: one row per fault of a record, as found by a job
create table import_errors (
    job_id varchar not null,
    record bigint not null,
    line bigint,
    code varchar not null,
    path varchar not null,
    message varchar not null,
    severity varchar not null
)
