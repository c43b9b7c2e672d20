-- grain: one row per staged record with nulls in place of fields that the one user it matches has: the fields that become
-- empty, those that their policies keep, and the keys, which no update can clear
-- reads: staged, targets, users; parameters: mode, policies (of each field)
with matched as (
    select staged.record, string_split(staged.cleared, ',') as cleared, users
    from staged
    inner join targets on staged.record = targets.record and targets.matches_one_user
    inner join users on targets.user_row = users.rowid
    where staged.cleared is not null and $mode in ('upsert', 'update')
),

held as (
    select
        record,
        list_intersect(cleared, [
            case when users.email is not null then 'email' end,
            case when users.username is not null then 'username' end,
            'user_id',
            case when users.phone_number is not null then 'phone_number' end,
            case when users.email_verified then 'email_verified' end,
            case when users.phone_verified then 'phone_verified' end,
            case when users.given_name is not null then 'given_name' end,
            case when users.family_name is not null then 'family_name' end,
            case when users.name is not null then 'name' end,
            case when users.nickname is not null then 'nickname' end,
            case when users.picture is not null then 'picture' end,
            case when users.blocked is not null then 'blocked' end,
            case when coalesce(users.password_hash, users.custom_password_hash::varchar) is not null then 'password_hash' end,
            case when coalesce(users.password_hash, users.custom_password_hash::varchar) is not null then 'custom_password_hash' end,
            case when nullif(users.app_metadata, '{}') is not null then 'app_metadata' end,
            case when nullif(users.user_metadata, '{}') is not null then 'user_metadata' end,
            case when users.mfa_factors is not null then 'mfa_factors' end,
            case when users.middle_name is not null then 'middle_name' end,
            case when users.locale is not null then 'locale' end,
            case when users.zoneinfo is not null then 'zoneinfo' end,
            case when users.birthdate is not null then 'birthdate' end,
            case when users.registered_at is not null then 'registered_at' end,
            case when users.last_login_at is not null then 'last_login_at' end,
            case when users.roles is not null then 'roles' end,
            case when users.groups is not null then 'groups' end,
            case when users.identities is not null then 'identities' end,
            case when users.source_id is not null then 'source_id' end
        ]) as fields
    from matched
)

select
    record,
    list_filter(fields, lambda field: (to_json($policies) ->> field) in ('replace', 'merge')) as emptied,
    array_to_string(
        list_filter(fields, lambda field: field = 'phone_number' or (to_json($policies) ->> field) in ('fill', 'keep')), ','
    ) as kept,
    list_intersect(['email', 'username', 'user_id'], fields) as keys
from held
where len(fields) > 0
