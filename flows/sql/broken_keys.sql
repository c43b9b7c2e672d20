-- grain: one row per key that more than one user of the connection holds, among the users that the job wrote
with written as (
    select user_id, email_key, username_key
    from users
    where connection = $connection and updated_by_job = $job_id
)

select 'email' as key, email_key as value
from users
where connection = $connection and email_key in (select email_key from written)
group by email_key
having count(*) > 1
union all
select 'username' as key, username_key as value
from users
where connection = $connection and username_key in (select username_key from written)
group by username_key
having count(*) > 1
union all
select 'user_id' as key, user_id as value
from users
where connection = $connection and user_id in (select user_id from written)
group by user_id
having count(*) > 1
