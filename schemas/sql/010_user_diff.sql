-- the fields in which two rows of users differ, with the JSON of both values; a secret value is always "*****".
-- a missing row has null in every field
create macro user_diff(b, a) as list_filter([
    case when b.user_id is distinct from a.user_id then {'field': 'user_id', 'old': to_json(b.user_id), 'new': to_json(a.user_id)} end,
    case when b.email is distinct from a.email then {'field': 'email', 'old': to_json(b.email), 'new': to_json(a.email)} end,
    case when b.username is distinct from a.username then {'field': 'username', 'old': to_json(b.username), 'new': to_json(a.username)} end,
    case when b.phone_number is distinct from a.phone_number then {'field': 'phone_number', 'old': to_json(b.phone_number), 'new': to_json(a.phone_number)} end,
    case when b.email_verified is distinct from a.email_verified then {'field': 'email_verified', 'old': to_json(b.email_verified), 'new': to_json(a.email_verified)} end,
    case when b.phone_verified is distinct from a.phone_verified then {'field': 'phone_verified', 'old': to_json(b.phone_verified), 'new': to_json(a.phone_verified)} end,
    case when b.given_name is distinct from a.given_name then {'field': 'given_name', 'old': to_json(b.given_name), 'new': to_json(a.given_name)} end,
    case when b.family_name is distinct from a.family_name then {'field': 'family_name', 'old': to_json(b.family_name), 'new': to_json(a.family_name)} end,
    case when b.name is distinct from a.name then {'field': 'name', 'old': to_json(b.name), 'new': to_json(a.name)} end,
    case when b.nickname is distinct from a.nickname then {'field': 'nickname', 'old': to_json(b.nickname), 'new': to_json(a.nickname)} end,
    case when b.picture is distinct from a.picture then {'field': 'picture', 'old': to_json(b.picture), 'new': to_json(a.picture)} end,
    case when b.blocked is distinct from a.blocked then {'field': 'blocked', 'old': to_json(b.blocked), 'new': to_json(a.blocked)} end,
    case when b.middle_name is distinct from a.middle_name then {'field': 'middle_name', 'old': to_json(b.middle_name), 'new': to_json(a.middle_name)} end,
    case when b.locale is distinct from a.locale then {'field': 'locale', 'old': to_json(b.locale), 'new': to_json(a.locale)} end,
    case when b.zoneinfo is distinct from a.zoneinfo then {'field': 'zoneinfo', 'old': to_json(b.zoneinfo), 'new': to_json(a.zoneinfo)} end,
    case when b.birthdate is distinct from a.birthdate then {'field': 'birthdate', 'old': to_json(b.birthdate), 'new': to_json(a.birthdate)} end,
    case when b.registered_at is distinct from a.registered_at then {'field': 'registered_at', 'old': to_json(b.registered_at), 'new': to_json(a.registered_at)} end,
    case when b.last_login_at is distinct from a.last_login_at then {'field': 'last_login_at', 'old': to_json(b.last_login_at), 'new': to_json(a.last_login_at)} end,
    case when b.source_id is distinct from a.source_id then {'field': 'source_id', 'old': to_json(b.source_id), 'new': to_json(a.source_id)} end,
    case when b.roles is distinct from a.roles then {'field': 'roles', 'old': b.roles::json, 'new': a.roles::json} end,
    case when b.groups is distinct from a.groups then {'field': 'groups', 'old': b.groups::json, 'new': a.groups::json} end,
    case when b.identities is distinct from a.identities then {'field': 'identities', 'old': b.identities::json, 'new': a.identities::json} end,
    case when b.app_metadata is distinct from a.app_metadata then {'field': 'app_metadata', 'old': b.app_metadata::json, 'new': a.app_metadata::json} end,
    case when b.user_metadata is distinct from a.user_metadata then {'field': 'user_metadata', 'old': b.user_metadata::json, 'new': a.user_metadata::json} end,
    case when b.password_reset_required is distinct from a.password_reset_required then {'field': 'password_reset_required', 'old': to_json(b.password_reset_required), 'new': to_json(a.password_reset_required)} end,
    case when b.password_hash is distinct from a.password_hash then {
        'field': 'password_hash',
        'old': case when b.password_hash is not null then '"*****"'::json end,
        'new': case when a.password_hash is not null then '"*****"'::json end
    } end,
    case when b.custom_password_hash is distinct from a.custom_password_hash then {
        'field': 'custom_password_hash',
        'old': case when b.custom_password_hash is not null then '"*****"'::json end,
        'new': case when a.custom_password_hash is not null then '"*****"'::json end
    } end,
    case when b.mfa_factors is distinct from a.mfa_factors then {
        'field': 'mfa_factors',
        'old': case when b.mfa_factors is not null then '"*****"'::json end,
        'new': case when a.mfa_factors is not null then '"*****"'::json end
    } end
], lambda difference: difference is not null)
