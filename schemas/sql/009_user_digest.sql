-- a digest of everything in a row of users that an import or a person can edit; null and empty text differ
create macro user_digest(u) as md5(concat_ws(
    chr(31),
    u.user_id,
    coalesce(u.email, chr(30)),
    coalesce(u.username, chr(30)),
    coalesce(u.phone_number, chr(30)),
    coalesce(u.email_verified::varchar, chr(30)),
    coalesce(u.phone_verified::varchar, chr(30)),
    coalesce(u.given_name, chr(30)),
    coalesce(u.family_name, chr(30)),
    coalesce(u.name, chr(30)),
    coalesce(u.nickname, chr(30)),
    coalesce(u.picture, chr(30)),
    coalesce(u.blocked::varchar, chr(30)),
    coalesce(u.password_hash, chr(30)),
    coalesce(u.custom_password_hash::varchar, chr(30)),
    coalesce(u.app_metadata::varchar, chr(30)),
    coalesce(u.user_metadata::varchar, chr(30)),
    coalesce(u.mfa_factors::varchar, chr(30)),
    u.password_reset_required::varchar
))
