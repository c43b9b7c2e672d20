-- grain: one row per staged record that the plan refuses: the record as JSON, as it came if that was kept, otherwise
-- built from its columns
-- reads: staged, refusals, originals
select
    staged.record,
    staged.line,
    coalesce(originals.text, '{' || concat_ws(
        ',',
        '"email":' || to_json(email),
        '"email_verified":' || to_json(email_verified),
        '"phone_number":' || to_json(phone_number),
        '"phone_verified":' || to_json(phone_verified),
        '"user_id":' || to_json(user_id),
        '"username":' || to_json(username),
        '"given_name":' || to_json(given_name),
        '"family_name":' || to_json(family_name),
        '"name":' || to_json(name),
        '"nickname":' || to_json(nickname),
        '"picture":' || to_json(picture),
        '"blocked":' || to_json(blocked),
        '"password_hash":' || to_json(password_hash),
        '"custom_password_hash":' || custom_password_hash,
        '"app_metadata":' || app_metadata,
        '"user_metadata":' || user_metadata,
        '"mfa_factors":' || mfa_factors
    ) || '}') as text
from staged
semi join refusals on staged.record = refusals.record
left join originals on staged.record = originals.record
order by staged.record
