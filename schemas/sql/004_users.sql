-- grain: one row per user of a connection; user_id, email_key and username_key are each unique in it, which every
-- merge verifies (an index would double its time). Objects are zstd: the default's time grows faster than the text, and is
-- a millisecond for one of 10 kB
create table users (
    connection varchar not null,
    user_id varchar not null,
    email varchar,
    email_key varchar,
    username varchar,
    username_key varchar,
    phone_number varchar,
    email_verified boolean,
    phone_verified boolean,
    given_name varchar,
    family_name varchar,
    name varchar,
    nickname varchar,
    picture varchar,
    blocked boolean,
    password_hash varchar,
    custom_password_hash json using compression zstd,
    app_metadata json using compression zstd,
    user_metadata json using compression zstd,
    mfa_factors json using compression zstd,
    password_reset_required boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    created_by_job varchar not null,
    updated_by_job varchar not null,
    digest ubigint
)
