-- The customer's own addresses, the first of them the main one, and its contacts.
with customer as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as email, null::varchar as phone,
           null::varchar as isinactive, null::varchar as searchstage
    where false
    union all by name select * from customer
),
contact as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as company, null::varchar as email,
           null::varchar as firstname, null::varchar as lastname, null::varchar as phone,
           null::varchar as isinactive
    where false
    union all by name select * from contact
),
transaction as (
    select null::varchar as entity, null::varchar as type where false
    union all by name select * from transaction
),
job as (
    select null::varchar as id, null::varchar as customer where false
    union all by name select * from job
),
owing as (
    select coalesce(job.customer, transaction.entity) as id
    from transaction
    left join job on job.id = transaction.entity
    where transaction.type in ('CustInvc', 'CustCred', 'CustPymt', 'CustRfnd', 'CustDep')
),
known as (
    select * from customer
    where try_cast(_fivetran_deleted as boolean) is distinct from true
      and try_cast(_fivetran_active as boolean) is distinct from false
      and (id in (select id from owing)
        or (upper(searchstage) = 'CUSTOMER' and isinactive is distinct from 'T'))
),
reached as (
    select id as customer, id || '-' || lower(found) as id, found, null as firstname,
           null as lastname, phone, place = 1 as is_main, 1 as rank
    from (
        select id, phone, unnest(emails(email)) as found,
               generate_subscripts(emails(email), 1) as place
        from known
    )
    union all
    select contact.company, contact.id, contact.email, contact.firstname, contact.lastname,
           contact.phone, false, 0
    from contact
    join known on known.id = contact.company
    where nullif(trim(contact.email), '') is not null and contact.isinactive is distinct from 'T'
      and try_cast(contact._fivetran_deleted as boolean) is distinct from true
      and try_cast(contact._fivetran_active as boolean) is distinct from false
)
select
    customer as customer_external_id,
    id as external_id,
    found as email,
    firstname as first_name,
    lastname as last_name,
    phone,
    bool_or(is_main) over same as is_main
from reached
window same as (partition by customer, lower(found))
-- The same address twice counts once, and then as the person's.
qualify row_number() over (partition by customer, lower(found) order by rank, id) = 1
