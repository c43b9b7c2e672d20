-- grain: one row per staged record that matches one existing user and is not refused: the user as it would be, and
-- whether that is a change
-- reads: staged, targets, refusals, users, merged_metadata; parameters: mode, fill_only
with matched as (
    select
        staged.record,
        users.connection,
        users.user_id,
        users.email,
        users.email_key,
        users.username,
        users.username_key,
        users.phone_number,
        coalesce(users.password_hash, users.custom_password_hash::varchar) is not null as has_hash,
        coalesce(staged.password_hash, staged.custom_password_hash) is not null
        and not ($fill_only and has_hash) as takes_hash,
        coalesce(case when $fill_only then users.email_verified end, staged.email_verified, users.email_verified) as email_verified,
        coalesce(case when $fill_only then users.phone_verified end, staged.phone_verified, users.phone_verified) as phone_verified,
        coalesce(case when $fill_only then users.given_name end, staged.given_name, users.given_name) as given_name,
        coalesce(case when $fill_only then users.family_name end, staged.family_name, users.family_name) as family_name,
        coalesce(case when $fill_only then users.name end, staged.name, users.name) as name,
        coalesce(case when $fill_only then users.nickname end, staged.nickname, users.nickname) as nickname,
        coalesce(case when $fill_only then users.picture end, staged.picture, users.picture) as picture,
        coalesce(case when $fill_only then users.blocked end, staged.blocked, users.blocked) as blocked,
        case when takes_hash then staged.password_hash else users.password_hash end as password_hash,
        case when takes_hash then staged.custom_password_hash else users.custom_password_hash end as custom_password_hash,
        case
            when merged_metadata.has_app_metadata then merged_metadata.app_metadata
            else coalesce(
                case when $fill_only then nullif(users.app_metadata, '{}') end, staged.app_metadata, users.app_metadata
            )
        end as app_metadata,
        case
            when merged_metadata.has_user_metadata then merged_metadata.user_metadata
            else coalesce(
                case when $fill_only then nullif(users.user_metadata, '{}') end, staged.user_metadata, users.user_metadata
            )
        end as user_metadata,
        coalesce(case when $fill_only then users.mfa_factors end, staged.mfa_factors, users.mfa_factors) as mfa_factors,
        case
            when takes_hash then false
            when $fill_only and has_hash then users.password_reset_required
            else coalesce(staged.password_reset_required, false) or users.password_reset_required
        end as password_reset_required,
        users.created_at,
        users.created_by_job,
        users as before,
        staged.email_key is distinct from users.email_key as email_differs,
        staged.username_key is not null and staged.username_key is distinct from users.username_key as username_differs,
        staged.user_id is not null and staged.user_id is distinct from users.user_id as user_id_differs,
        staged.phone_number is not null
        and staged.phone_number is distinct from users.phone_number as phone_number_differs
    from staged
    inner join targets on staged.record = targets.record
    inner join users on targets.user_row = users.rowid
    left join merged_metadata on staged.record = merged_metadata.record
    anti join refusals on staged.record = refusals.record
    where $mode in ('upsert', 'update')
)

select
    * exclude (has_hash, takes_hash),
    email_verified is distinct from before.email_verified
    or phone_verified is distinct from before.phone_verified
    or given_name is distinct from before.given_name
    or family_name is distinct from before.family_name
    or name is distinct from before.name
    or nickname is distinct from before.nickname
    or picture is distinct from before.picture
    or blocked is distinct from before.blocked
    or password_hash is distinct from before.password_hash
    or custom_password_hash is distinct from before.custom_password_hash
    or app_metadata is distinct from before.app_metadata
    or user_metadata is distinct from before.user_metadata
    or mfa_factors is distinct from before.mfa_factors
    or password_reset_required is distinct from before.password_reset_required as is_changed
from matched
