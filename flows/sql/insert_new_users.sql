-- grain: one row per staged record that becomes a user; metadata that are merged are stored without nulls
insert into users by name
with with_nulls as (
    select
        record,
        [
            case when $policies.app_metadata = 'merge' then app_metadata::varchar end,
            case when $policies.user_metadata = 'merge' then user_metadata::varchar end
        ] as texts
    from staged
    where 'merge' in ($policies.app_metadata, $policies.user_metadata)
        and (contains(app_metadata::varchar, 'null') or contains(user_metadata::varchar, 'null'))
),

-- numbers are kept as they are written, in the way of merged_metadata
patched as (
    select
        record,
        list_transform(texts, lambda text: regexp_replace(json_merge_patch('{}', replace(replace(replace(
            regexp_replace(text, '("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)', '\1' || chr(1) || '\2' || chr(2), 'g'),
            chr(1) || chr(2), ''
        ), chr(1), '"\u0001'), chr(2), '"'))::varchar, '"\\u0001([^"]*)"', '\1', 'g')) as texts
    from with_nulls
),

cleaned as (
    select record, texts[1]::json as app_metadata, texts[2]::json as user_metadata
    from patched
)

select
    $connection as connection,
    coalesce(staged.user_id, uuid()::varchar) as user_id,
    staged.email,
    staged.email_key,
    staged.username,
    staged.username_key,
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
    coalesce(cleaned.app_metadata, staged.app_metadata) as app_metadata,
    coalesce(cleaned.user_metadata, staged.user_metadata) as user_metadata,
    staged.mfa_factors,
    coalesce(staged.password_reset_required, false) as password_reset_required,
    $now::timestamptz as created_at,
    $now::timestamptz as updated_at,
    $job_id as created_by_job,
    $job_id as updated_by_job
from staged
left join cleaned on staged.record = cleaned.record
anti join (select record from plan where outcome <> 'insert') as others on staged.record = others.record
