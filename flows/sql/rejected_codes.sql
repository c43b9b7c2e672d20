-- grain: one row per code that the column codes of rejected_users can hold; no row until it is an enumeration
select unnest(regexp_extract_all(type, '''([^'']+)''', 1)) as code
from pragma_table_info('rejected_users')
where name = 'codes'
