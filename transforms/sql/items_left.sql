-- grain: one row per text; kept: the array of the items that no reader takes, without what one takes of each; null where
--        that is nothing
-- reads: json_texts (text: a JSON array; other columns are kept); of every reader: $places (which item, from 1, or ''),
--        $keys and $values (DuckDB path and text of a member that the item has, or ''), $insides (DuckDB path to what it
--        reads of the item), $firsts ('first' if only the first such item is read), $patches (JSON merge patch that
--        removes what it reads, null for all of it)
with read as (
    select * exclude (text), json_extract(text, '$[*]') as items
    from json_texts
),

reduced as (
    select
        * exclude (items),
        list_transform(
            items,
            lambda item, place:
                list_reduce(
                    list_prepend(
                        item,
                        list_transform(
                            list_filter(
                                range(1, len($places) + 1),
                                lambda reader:
                                    $places[reader] in ('', place::varchar)
                                    and ($keys[reader] = '' or json_extract_string(item, $keys[reader]) = $values[reader])
                                    and (
                                        $patches[reader] = 'null'
                                        or (json_type(item) = 'OBJECT' and json_extract(item, $insides[reader]) is not null)
                                    )
                                    and (
                                        $firsts[reader] = ''
                                        or place
                                        = list_position(
                                            list_transform(
                                                items,
                                                lambda other:
                                                    coalesce(json_extract(other, $insides[reader]), 'null') != 'null'
                                                    and (
                                                        $keys[reader] = ''
                                                        or coalesce(json_extract_string(other, $keys[reader]), '')
                                                        = $values[reader]
                                                    )
                                            ),
                                            true
                                        )
                                    )
                            ),
                            lambda reader: $patches[reader]::json
                        )
                    ),
                    lambda item, patch: json_merge_patch(item, patch)
                )
        ) as items
    from read
)

select
    * exclude (items),
    '[' || list_aggregate(list_filter(items, lambda item: item not in ('null', '""', '{}', '[]'))::varchar[], 'string_agg', ',')
    || ']' as kept
from reduced
