-- grain: one row per text; removed: the names of the members that are secrets or have one inside, which is a key that
--        matches $secret and not $harmless and has a value; kept: the object without them
-- reads: json_texts (text: a JSON object; other columns are kept); $secret, $harmless: regular expressions
with named as (
    select
        * exclude (text),
        text as object,
        list_filter(
            json_keys(text),
            lambda name:
                len(
                    list_filter(
                        regexp_extract_all(
                            to_json(name) || ':' || json_extract(text, '/' || replace(replace(name, '~', '~0'), '/', '~1')),
                            '"((?:[^"\\]|\\.)*?)\\*"\s*:\s*(?:\\*"[^"\\]|"\\|[\[{0-9-]|true)',  -- also in JSON that is a text
                            1
                        ),
                        lambda key: regexp_matches(key, $secret) and not regexp_matches(key, $harmless)
                    )
                ) > 0
        ) as removed
    from json_texts
)

select
    * exclude (object),
    case
        when len(removed) = 0 then object
        else
            json_merge_patch(
                object, '{' || list_aggregate(list_transform(removed, lambda name: to_json(name) || ':null'), 'string_agg', ',') || '}'
            )
    end::varchar as kept
from named
