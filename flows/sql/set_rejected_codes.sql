-- grain: the column codes, whose type becomes a list of row_code: an enumeration cannot be extended in place
alter table rejected_users alter codes type row_code[]
