-- grain: one row per staged record and key that another staged record has too, by record; `is_refused` tells whether a
-- conflict refuses the record
-- reads: shared_keys, the table of conflicts; parameter: conflicts (its name)
with refused as (
    select distinct record
    from query_table($conflicts)
    semi join shared_keys using (record)
)

select shared_keys.record, shared_keys.key, shared_keys.first_record, refused.record is not null as is_refused
from shared_keys
left join refused on shared_keys.record = refused.record
order by shared_keys.record
