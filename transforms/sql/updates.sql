-- grain: one row per staged record that matches one existing user and is not refused: the user as it would be, whether that
-- is a change, and the fields that keep another value than the record's
-- reads: staged, targets, refusals, users, merged_metadata; parameters: mode, policies (of each field)
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
        and ($policies.password_hash = 'replace' or ($policies.password_hash = 'fill' and not has_hash)) as takes_hash,
        case $policies.email_verified
            when 'keep' then users.email_verified
            when 'fill' then coalesce(users.email_verified, staged.email_verified)
            else coalesce(staged.email_verified, users.email_verified)
        end as email_verified,
        case $policies.phone_verified
            when 'keep' then users.phone_verified
            when 'fill' then coalesce(users.phone_verified, staged.phone_verified)
            else coalesce(staged.phone_verified, users.phone_verified)
        end as phone_verified,
        case $policies.given_name
            when 'keep' then users.given_name
            when 'fill' then coalesce(users.given_name, staged.given_name)
            else coalesce(staged.given_name, users.given_name)
        end as given_name,
        case $policies.family_name
            when 'keep' then users.family_name
            when 'fill' then coalesce(users.family_name, staged.family_name)
            else coalesce(staged.family_name, users.family_name)
        end as family_name,
        case $policies.name
            when 'keep' then users.name
            when 'fill' then coalesce(users.name, staged.name)
            else coalesce(staged.name, users.name)
        end as name,
        case $policies.nickname
            when 'keep' then users.nickname
            when 'fill' then coalesce(users.nickname, staged.nickname)
            else coalesce(staged.nickname, users.nickname)
        end as nickname,
        case $policies.picture
            when 'keep' then users.picture
            when 'fill' then coalesce(users.picture, staged.picture)
            else coalesce(staged.picture, users.picture)
        end as picture,
        case $policies.blocked
            when 'keep' then users.blocked
            when 'fill' then coalesce(users.blocked, staged.blocked)
            else coalesce(staged.blocked, users.blocked)
        end as blocked,
        case when takes_hash then staged.password_hash else users.password_hash end as password_hash,
        case when takes_hash then staged.custom_password_hash else users.custom_password_hash end as custom_password_hash,
        case
            when $policies.app_metadata = 'keep' then users.app_metadata
            when $policies.app_metadata = 'fill'
                then coalesce(nullif(users.app_metadata, '{}'), staged.app_metadata, users.app_metadata)
            when merged_metadata.has_app_metadata then merged_metadata.app_metadata
            else coalesce(staged.app_metadata, users.app_metadata)
        end as app_metadata,
        case
            when $policies.user_metadata = 'keep' then users.user_metadata
            when $policies.user_metadata = 'fill'
                then coalesce(nullif(users.user_metadata, '{}'), staged.user_metadata, users.user_metadata)
            when merged_metadata.has_user_metadata then merged_metadata.user_metadata
            else coalesce(staged.user_metadata, users.user_metadata)
        end as user_metadata,
        case $policies.mfa_factors
            when 'keep' then users.mfa_factors
            when 'fill' then coalesce(users.mfa_factors, staged.mfa_factors)
            else coalesce(staged.mfa_factors, users.mfa_factors)
        end as mfa_factors,
        case
            when takes_hash then false
            when has_hash then users.password_reset_required
            else coalesce(staged.password_reset_required, false) or users.password_reset_required
        end as password_reset_required,
        users.created_at,
        users.created_by_job,
        users as before,
        staged as given
    from staged
    inner join targets on staged.record = targets.record
    inner join users on targets.user_row = users.rowid
    left join merged_metadata on staged.record = merged_metadata.record
    anti join refusals on staged.record = refusals.record
    where $mode in ('upsert', 'update')
)

select
    * exclude (takes_hash, given),
    concat_ws(
        ',',
        case when nullif(given.email_key, email_key) is not null then 'email' end,
        case when nullif(given.username_key, username_key) is not null then 'username' end,
        case when nullif(given.user_id, user_id) is not null then 'user_id' end,
        case when nullif(given.phone_number, phone_number) is not null then 'phone_number' end,
        case when nullif(given.email_verified, email_verified) is not null then 'email_verified' end,
        case when nullif(given.phone_verified, phone_verified) is not null then 'phone_verified' end,
        case when nullif(given.given_name, given_name) is not null then 'given_name' end,
        case when nullif(given.family_name, family_name) is not null then 'family_name' end,
        case when nullif(given.name, name) is not null then 'name' end,
        case when nullif(given.nickname, nickname) is not null then 'nickname' end,
        case when nullif(given.picture, picture) is not null then 'picture' end,
        case when nullif(given.blocked, blocked) is not null then 'blocked' end,
        case when nullif(given.password_hash, password_hash) is not null then 'password_hash' end,
        case when nullif(given.custom_password_hash, custom_password_hash) is not null then 'custom_password_hash' end,
        case
            when $policies.app_metadata <> 'merge' and nullif(given.app_metadata, app_metadata) is not null
                then 'app_metadata'
        end,
        case
            when $policies.user_metadata <> 'merge' and nullif(given.user_metadata, user_metadata) is not null
                then 'user_metadata'
        end,
        case when nullif(given.mfa_factors, mfa_factors) is not null then 'mfa_factors' end
    ) as kept_fields,
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
