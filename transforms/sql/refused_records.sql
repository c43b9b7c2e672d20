-- grain: one row per staged record that the plan refuses: the record as JSON, as it came if that was kept, otherwise
-- built from its columns, with the white space that was taken off
-- unsorted: to sort them took more memory than the rest of the plan
-- reads: staged, refusals, originals, trimmed
select
    staged.record,
    staged.line,
    coalesce(originals.text, '{' || concat_ws(
        ',',
        '"email":' || to_json(coalesce(trimmed.email, staged.email)),
        '"email_verified":' || to_json(staged.email_verified),
        '"phone_number":' || to_json(coalesce(trimmed.phone_number, staged.phone_number)),
        '"phone_verified":' || to_json(staged.phone_verified),
        '"user_id":' || to_json(coalesce(trimmed.user_id, staged.user_id)),
        '"username":' || to_json(coalesce(trimmed.username, staged.username)),
        '"given_name":' || to_json(coalesce(trimmed.given_name, staged.given_name)),
        '"family_name":' || to_json(coalesce(trimmed.family_name, staged.family_name)),
        '"name":' || to_json(coalesce(trimmed.name, staged.name)),
        '"nickname":' || to_json(coalesce(trimmed.nickname, staged.nickname)),
        '"picture":' || to_json(coalesce(trimmed.picture, staged.picture)),
        '"blocked":' || to_json(staged.blocked),
        '"password_hash":' || to_json(staged.password_hash),
        '"custom_password_hash":' || custom_password_hash,
        '"app_metadata":' || app_metadata,
        '"user_metadata":' || user_metadata,
        '"mfa_factors":' || mfa_factors,
        '"middle_name":' || to_json(coalesce(trimmed.middle_name, staged.middle_name)),
        '"locale":' || to_json(coalesce(trimmed.locale, staged.locale)),
        '"zoneinfo":' || to_json(coalesce(trimmed.zoneinfo, staged.zoneinfo)),
        '"birthdate":' || to_json(coalesce(trimmed.birthdate, staged.birthdate)),
        '"registered_at":' || to_json(coalesce(trimmed.registered_at, staged.registered_at)),
        '"last_login_at":' || to_json(coalesce(trimmed.last_login_at, staged.last_login_at)),
        '"roles":' || roles,
        '"groups":' || groups,
        '"identities":' || identities,
        '"source_id":' || to_json(coalesce(trimmed.source_id, staged.source_id)),
        '"' || replace(staged.cleared, ',', '":null,"') || '":null'
    ) || '}') as text
from staged
semi join refusals on staged.record = refusals.record
left join originals on staged.record = originals.record
left join trimmed on staged.record = trimmed.record
