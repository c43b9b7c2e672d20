-- grain: one row per user that an update changes
insert into users by name
with changed_users as (
    select
        connection,
        user_id,
        email,
        email_folded,
        username,
        username_folded,
        phone_number,
        email_verified,
        phone_verified,
        given_name,
        family_name,
        name,
        nickname,
        picture,
        blocked,
        password_hash,
        custom_password_hash,
        app_metadata,
        user_metadata,
        mfa_factors,
        middle_name,
        locale,
        zoneinfo,
        birthdate,
        registered_at,
        last_login_at,
        roles,
        groups,
        identities,
        source_id,
        password_reset_required,
        created_at,
        $now::timestamptz as updated_at,
        created_by_job,
        $job_id as updated_by_job
    from updates
    where is_changed
)

select *, user_digest(changed_users) as digest
from changed_users
