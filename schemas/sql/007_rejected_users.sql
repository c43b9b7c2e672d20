-- grain: one row per refused record of a job, secrets redacted. Records are written once, rarely read and much alike: zstd
-- takes half the time and an eighth of the space of the default. flows.store.migrations makes codes an enumeration
create table rejected_users (
    job_id varchar not null,
    record bigint not null,
    line bigint,
    codes varchar[] not null,
    "user" json not null using compression zstd
)
