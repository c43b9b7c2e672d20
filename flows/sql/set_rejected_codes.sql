-- the column holds lists of the enumeration of this connection from now on: no enumeration grows in its place
alter table rejected_users alter codes type row_code[]
