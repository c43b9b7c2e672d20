-- grain: one row per user of a connection; user_id, coalesce(email_folded, email) and coalesce(username_folded, username) are
-- each unique in it, which every merge verifies (an index would double its time). Texts that are nearly all different are
-- zstd, which takes half the time of the default and no more space; objects are, because the default's time grows faster than
-- the text, and is a millisecond for one of 10 kB. A hash is as random as texts come: to compress it saves a sixth
create table users (
    connection varchar not null,
    user_id varchar not null using compression zstd,
    email varchar using compression zstd,
    email_folded varchar,
    username varchar using compression zstd,
    username_folded varchar,
    phone_number varchar using compression zstd,
    email_verified boolean,
    phone_verified boolean,
    given_name varchar,
    family_name varchar,
    name varchar,
    nickname varchar,
    picture varchar using compression zstd,
    blocked boolean,
    password_hash varchar using compression uncompressed,
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
