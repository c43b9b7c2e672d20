-- grain: one row: whether no two users of the connection hold the same key, by the hashes of the keys. It reads all users, in
-- half of the time of broken_keys.sql where the job wrote them all
select
    count(user_id) = count(distinct hash(user_id))
    and count(email) = count(distinct hash(coalesce(email_folded, email)))
    and count(username) = count(distinct hash(coalesce(username_folded, username))) as are_unique
from users
where connection = $connection
