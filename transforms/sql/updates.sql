-- grain: one row per staged record that matches one existing user and is not refused: the user as it would be, whether that
-- is a change, and the fields that keep another value than the record's
-- reads: staged, targets, cleared_fields, refusals, users, the macros of temporary_macros.sql; parameters: mode, policies (of each field)
with pairs as (
    select
        staged,
        users as before,
        case when cleared_fields.record is null then users else with_empty_fields(users, cleared_fields.emptied) end as users,
        cleared_fields.kept as kept_from_clearing,
        case
            when $policies.app_metadata <> 'merge' or staged.app_metadata is null then staged.app_metadata
            else nullif(patched(users.app_metadata, staged.app_metadata), case when users.app_metadata is null then '{}' end)
        end as new_app_metadata,
        case
            when $policies.user_metadata <> 'merge' or staged.user_metadata is null then staged.user_metadata
            else nullif(patched(users.user_metadata, staged.user_metadata), case when users.user_metadata is null then '{}' end)
        end as new_user_metadata
    from staged
    inner join targets on staged.record = targets.record
    inner join users on targets.user_row = users.rowid
    left join cleared_fields on staged.record = cleared_fields.record
    anti join refusals on staged.record = refusals.record
    where $mode in ('upsert', 'update')
),

matched as (
    select
        staged.record,
        users.connection,
        users.user_id,
        users.email,
        users.email_folded,
        users.username,
        users.username_folded,
        users.phone_number,
        coalesce(users.password_hash, users.custom_password_hash::varchar) is not null as has_hash,
        coalesce(staged.password_hash, staged.custom_password_hash) is not null
        and ($policies.password_hash = 'replace' or ($policies.password_hash = 'fill' and not has_hash)) as takes_hash,
        by_policy($policies.email_verified, users.email_verified, staged.email_verified) as email_verified,
        by_policy($policies.phone_verified, users.phone_verified, staged.phone_verified) as phone_verified,
        by_policy($policies.given_name, users.given_name, staged.given_name) as given_name,
        by_policy($policies.family_name, users.family_name, staged.family_name) as family_name,
        by_policy($policies.name, users.name, staged.name) as name,
        by_policy($policies.nickname, users.nickname, staged.nickname) as nickname,
        by_policy($policies.picture, users.picture, staged.picture) as picture,
        by_policy($policies.blocked, users.blocked, staged.blocked) as blocked,
        case when takes_hash then staged.password_hash else users.password_hash end as password_hash,
        unless_reordered(users.custom_password_hash, staged.custom_password_hash) as given_custom_password_hash,
        case when takes_hash then given_custom_password_hash else users.custom_password_hash end as custom_password_hash,
        unless_reordered(users.app_metadata, new_app_metadata) as given_app_metadata,
        metadata_by_policy($policies.app_metadata, users.app_metadata, given_app_metadata) as app_metadata,
        unless_reordered(users.user_metadata, new_user_metadata) as given_user_metadata,
        metadata_by_policy($policies.user_metadata, users.user_metadata, given_user_metadata) as user_metadata,
        by_policy($policies.mfa_factors, users.mfa_factors, staged.mfa_factors) as mfa_factors,
        by_policy($policies.middle_name, users.middle_name, staged.middle_name) as middle_name,
        by_policy($policies.locale, users.locale, staged.locale) as locale,
        by_policy($policies.zoneinfo, users.zoneinfo, staged.zoneinfo) as zoneinfo,
        by_policy($policies.birthdate, users.birthdate, staged.birthdate) as birthdate,
        by_policy($policies.registered_at, users.registered_at, staged.registered_at) as registered_at,
        by_policy($policies.last_login_at, users.last_login_at, staged.last_login_at) as last_login_at,
        by_policy($policies.roles, users.roles, staged.roles) as roles,
        by_policy($policies.groups, users.groups, staged.groups) as groups,
        by_policy($policies.identities, users.identities, staged.identities) as identities,
        by_policy($policies.source_id, users.source_id, staged.source_id) as source_id,
        case
            when takes_hash then false
            when has_hash then users.password_reset_required
            else coalesce(staged.password_reset_required, false) or users.password_reset_required
        end as password_reset_required,
        users.created_at,
        users.created_by_job,
        before,
        staged as given,
        nullif(kept_from_clearing, '') as kept_from_clearing
    from pairs
)

select
    * exclude (takes_hash, given, kept_from_clearing, given_app_metadata, given_user_metadata, given_custom_password_hash),
    concat_ws(
        ',',
        kept_from_clearing,
        case when nullif(given.email_key, coalesce(email_folded, email)) is not null then 'email' end,
        case when nullif(given.username_key, coalesce(username_folded, username)) is not null then 'username' end,
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
        case when nullif(given_custom_password_hash, custom_password_hash) is not null then 'custom_password_hash' end,
        case when nullif(given_app_metadata, app_metadata) is not null then 'app_metadata' end,
        case when nullif(given_user_metadata, user_metadata) is not null then 'user_metadata' end,
        case when nullif(given.mfa_factors, mfa_factors) is not null then 'mfa_factors' end,
        case when nullif(given.middle_name, middle_name) is not null then 'middle_name' end,
        case when nullif(given.locale, locale) is not null then 'locale' end,
        case when nullif(given.zoneinfo, zoneinfo) is not null then 'zoneinfo' end,
        case when nullif(given.birthdate, birthdate) is not null then 'birthdate' end,
        case when nullif(given.registered_at, registered_at) is not null then 'registered_at' end,
        case when nullif(given.last_login_at, last_login_at) is not null then 'last_login_at' end,
        case when nullif(given.roles, roles) is not null then 'roles' end,
        case when nullif(given.groups, groups) is not null then 'groups' end,
        case when nullif(given.identities, identities) is not null then 'identities' end,
        case when nullif(given.source_id, source_id) is not null then 'source_id' end
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
    or middle_name is distinct from before.middle_name
    or locale is distinct from before.locale
    or zoneinfo is distinct from before.zoneinfo
    or birthdate is distinct from before.birthdate
    or registered_at is distinct from before.registered_at
    or last_login_at is distinct from before.last_login_at
    or roles is distinct from before.roles
    or groups is distinct from before.groups
    or identities is distinct from before.identities
    or source_id is distinct from before.source_id
    or password_reset_required is distinct from before.password_reset_required as is_changed
from matched
