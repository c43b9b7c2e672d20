-- grain: one row per staged record that becomes a user
insert into users by name
with new_users as (
    select
        $connection as connection,
        new_user_id(staged.user_id, $plan_id, staged.record) as user_id,
        staged.email,
        nullif(staged.email_key, staged.email) as email_folded,
        staged.username,
        nullif(staged.username_key, staged.username) as username_folded,
        staged.phone_number,
        coalesce(staged.email_verified, false) as email_verified,
        coalesce(staged.phone_verified, false) as phone_verified,
        staged.given_name,
        staged.family_name,
        staged.name,
        staged.nickname,
        staged.picture,
        staged.blocked,
        staged.password_hash,
        staged.custom_password_hash,
        case when $policies.app_metadata = 'merge' then patched('{}', staged.app_metadata) else staged.app_metadata end as app_metadata,
        case when $policies.user_metadata = 'merge' then patched('{}', staged.user_metadata) else staged.user_metadata end as user_metadata,
        staged.mfa_factors,
        staged.middle_name,
        staged.locale,
        staged.zoneinfo,
        staged.birthdate,
        staged.registered_at,
        staged.last_login_at,
        staged.roles,
        staged.groups,
        staged.identities,
        staged.source_id,
        coalesce(staged.password_reset_required, false) as password_reset_required,
        $now::timestamptz as created_at,
        $now::timestamptz as updated_at,
        $job_id as created_by_job,
        $job_id as updated_by_job
    from staged
    anti join (select record from plan where outcome <> 'insert') as others on staged.record = others.record
)

select *, user_digest(new_users) as digest
from new_users
