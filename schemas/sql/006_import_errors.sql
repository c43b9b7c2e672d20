-- grain: one row per error or warning about a record, as a job found it
create table import_errors (
    job_id varchar not null,
    source varchar,
    record bigint not null,
    line bigint,
    key varchar,
    code varchar not null,
    path varchar not null,
    message varchar not null,
    severity varchar not null
)
