-- grain: one row per refused record, in the order of the job: its line, what is wrong with it, whether its text is a JSON
-- object, and that text without what an earlier file of refused rows added
-- reads: refused_parts, error_parts; parameters: unreadable (codes of records that cannot be read), unique_keys (a record with
-- the same key twice cannot be read either: a table has one column for it), added (what was added),
-- added_members (a pattern of it at the beginning of a text; the rest stays as it is written), remove_added (a merge patch with
-- null for each key, for other places)
with reasons as (
    select
        record,
        string_agg(code, '; ' order by code, path) as import_codes,
        string_agg(path, '; ' order by code, path) as import_paths,
        string_agg(message, '; ' order by code, path) as import_messages,
        bool_or(path = '' and list_contains($unreadable, code::varchar)) as is_unreadable,
        bool_or($unique_keys and code = 'DUPLICATE_KEY') as has_repeated_key
    from error_parts
    where severity = 'error'
    group by record
),

texts as (
    select
        refused_parts.record,
        coalesce(refused_parts.line, refused_parts.record) as import_line,
        reasons.import_codes,
        reasons.import_paths,
        reasons.import_messages,
        case
            when reasons.is_unreadable then false
            when reasons.has_repeated_key then list_unique(json_keys(refused_parts.text)) = len(json_keys(refused_parts.text))
            else true
        end as is_readable,
        case
            when not reasons.is_unreadable and contains(refused_parts.text, '"import_')
                then regexp_replace(refused_parts.text, $added_members, '{')
            else refused_parts.text
        end as text
    from refused_parts
    inner join reasons on refused_parts.record = reasons.record
)

select * replace (
    case
        when is_readable and contains(text, '"import_') and list_has_any(json_keys(text), $added)
            then json_merge_patch(text, $remove_added)::varchar
        else text
    end as text
)
from texts
order by record
