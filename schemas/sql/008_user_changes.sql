-- grain: one row per user that a job updated, restored or removed: the row before and a digest of the row after. An insert has
-- none: the view all_changes finds it in the rows that it left, and their digest
create table user_changes (
    job_id varchar not null,
    connection varchar not null,
    user_id varchar not null,
    action varchar not null,
    changed_at timestamptz not null,
    row_before struct(
        connection varchar,
        user_id varchar,
        email varchar,
        email_folded varchar,
        username varchar,
        username_folded varchar,
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
        custom_password_hash json,
        app_metadata json,
        user_metadata json,
        mfa_factors json,
        password_reset_required boolean,
        created_at timestamptz,
        updated_at timestamptz,
        created_by_job varchar,
        updated_by_job varchar,
        digest ubigint
    ),
    digest_after ubigint
)
