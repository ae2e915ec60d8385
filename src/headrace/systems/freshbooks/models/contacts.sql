with clients as (
    select null::varchar as id, null::varchar as vis_state, null::varchar as fname,
           null::varchar as lname, null::varchar as email, null::varchar as mob_phone,
           null::varchar as bus_phone
    where false
    union all by name select * from clients
)
select
    id as customer_external_id,
    id || '-contact' as external_id,
    email,
    nullif(fname, '') as first_name,
    nullif(lname, '') as last_name,
    coalesce(nullif(bus_phone, ''), nullif(mob_phone, '')) as phone,
    true as is_main
from clients
where nullif(trim(email), '') is not null and vis_state is distinct from '1'
