-- grain: one row per key or item below the root of a text; place: its path from the root; word: its key and, if its
--        value is a string, that
-- reads: json_texts (text: a JSON object or array; other columns are kept)
select
    json_texts.* exclude (text),
    substr(regexp_replace(member.fullkey, '\."((?:[^"\\]|\\.)*)"', '.\1', 'g'), 2) as place,
    concat_ws(' ', member.key, case when member.type = 'VARCHAR' then member.value ->> '$' end) as word
from json_texts, json_tree(json_texts.text) as member
where member.key is not null
