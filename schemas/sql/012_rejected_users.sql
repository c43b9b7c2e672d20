-- grain: one row per refused record of a job, secrets redacted; records are written once, read rarely and much alike: zstd
-- takes half the time and an eighth of the space of the default. What codes can hold, flows.store.migrations sees to
create table rejected_users (
    job_id varchar not null,
    record bigint not null,
    line bigint,
    codes varchar[] not null,
    "user" json not null using compression zstd
)
