-- grain: one row per refused record of a job, secrets redacted
create table rejected_users (
    job_id varchar not null,
    record bigint not null,
    line bigint,
    codes varchar[] not null,
    "user" json not null
)
