-- acknowledged --
select a.entity, a.external_id, a.hash, p.payload, a.customer
from json_array_elements(?::json) as k (value)
join applied as a on a.entity = k.value ->> 0 and a.external_id = k.value ->> 1
left join payloads as p on p.entity = a.entity and p.external_id = a.external_id

-- customers_at_api --
select a.entity, a.external_id, a.customer
from json_array_elements(?::json) as k (value)
join applied as a on a.entity = k.value ->> 0 and a.external_id = k.value ->> 1

-- documents_of --
select entity, external_id, customer from applied
where customer in (select json_array_elements_text(?::json))
and entity in {documents}

-- identify --
insert into identity select replace(gen_random_uuid()::text, '-', '')
where not exists (select 1 from identity)

-- holder --
select activity.application_name, activity.backend_start
from pg_locks as lock
join pg_stat_activity as activity using (pid)
where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
and (lock.classid::bigint << 32) | lock.objid::bigint = ?
and lock.database = (select oid from pg_database where datname = current_database())
