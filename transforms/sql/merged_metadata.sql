-- grain: one row per matched record with metadata, merged into the user's (RFC 7396: null removes a key); metadata that
-- mean the same as before, in whatever order, stay as before
-- reads: staged, targets, users; parameters: mode, policies (of each field)
with rows_with_users as (
    select
        staged.record,
        staged.app_metadata,
        staged.user_metadata,
        users.app_metadata as app_metadata_before,
        users.user_metadata as user_metadata_before
    from staged
    inner join targets on staged.record = targets.record
    inner join users on targets.user_row = users.rowid
    where
        'merge' in ($policies.app_metadata, $policies.user_metadata)
        and $mode in ('upsert', 'update')
        and targets.matches_one_user
),

given as (
    select record, 'app_metadata' as name, app_metadata_before as before, app_metadata as patch
    from rows_with_users
    where app_metadata is not null and $policies.app_metadata = 'merge'
    union all
    select record, 'user_metadata' as name, user_metadata_before as before, user_metadata as patch
    from rows_with_users
    where user_metadata is not null and $policies.user_metadata = 'merge'
),

-- a number becomes a string that begins with U+0001, which no metadata have: it would be written anew, -0 as 0
hidden as (
    select
        record,
        name,
        before,
        list_transform(
            [coalesce(before::varchar, '{}'), patch::varchar],
            lambda text: replace(replace(replace(
                regexp_replace(text, '("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)', '\1' || chr(1) || '\2' || chr(2), 'g'),
                chr(1) || chr(2), ''
            ), chr(1), '"\u0001'), chr(2), '"')
        ) as texts
    from given
),

merged as (
    select
        record,
        name,
        before,
        regexp_replace(json_merge_patch(texts[1], texts[2])::varchar, '"\\u0001([^"]*)"', '\1', 'g')::json as after
    from hidden
),

suspects as (
    select
        record,
        name,
        before,
        after
    from merged
    where before::varchar <> after::varchar and strlen(before) = strlen(after)
),

leaves as (
    select
        record,
        name,
        side,
        list(fullkey || ' ' || tree.type || ' ' || coalesce(atom::varchar, '') order by fullkey) as content
    from (
        select record, name, 'before' as side, before as value from suspects
        union all
        select record, name, 'after' as side, after as value from suspects
    ) as sides, json_tree(sides.value) as tree
    group by record, name, side
),

same as (
    select record, name
    from leaves
    group by record, name
    having count(distinct content) = 1
)

select
    merged.record,
    bool_or(merged.name = 'app_metadata') as has_app_metadata,
    bool_or(merged.name = 'user_metadata') as has_user_metadata,
    any_value(case when same.record is null and not (before is null and after::varchar = '{}') then after else before end)
        filter (where merged.name = 'app_metadata') as app_metadata,
    any_value(case when same.record is null and not (before is null and after::varchar = '{}') then after else before end)
        filter (where merged.name = 'user_metadata') as user_metadata
from merged
left join same on merged.record = same.record and merged.name = same.name
group by merged.record
