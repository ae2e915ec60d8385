-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
-- Leads and prospects are left out, inactive customers too, unless they have a document. Merging
-- customers moves the documents and deletes the duplicate.
with customer as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as companyname,
           null::varchar as firstname, null::varchar as lastname, null::varchar as altname,
           null::varchar as entityid, null::varchar as vatregnumber, null::varchar as isinactive,
           null::varchar as searchstage, null::varchar as parent,
           null::varchar as defaultbillingaddress
    where false
    union all by name select * from customer
),
entityaddress as (
    select null::varchar as nkey, null::varchar as _fivetran_active, null::varchar as addr1,
           null::varchar as addr2, null::varchar as addr3, null::varchar as city,
           null::varchar as state, null::varchar as dropdownstate, null::varchar as zip,
           null::varchar as country
    where false
    union all by name select * from entityaddress
),
transaction as (
    select null::varchar as entity, null::varchar as type, null::varchar as posting,
           null::varchar as voided
    where false
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
)
select
    customer.id as external_id,
    coalesce(
        nullif(customer.companyname, ''),
        nullif(trim(concat_ws(' ', customer.firstname, customer.lastname)), ''),
        customer.altname, customer.entityid, customer.id) as name,
    customer.vatregnumber as vat_number,
    customer.entityid as accounting_ref,
    nullif(concat_ws(', ', address.addr1, address.addr2, address.addr3), '') as address,
    address.zip as zipcode,
    address.city,
    coalesce(address.dropdownstate, address.state) as state,
    coalesce(country(address.country), address.country) as country,
    customer.parent as parent_external_id
from customer
left join entityaddress address
  on address.nkey = customer.defaultbillingaddress
 and try_cast(address._fivetran_active as boolean) is distinct from false
where try_cast(customer._fivetran_deleted as boolean) is distinct from true
  and try_cast(customer._fivetran_active as boolean) is distinct from false
  and (customer.id in (select id from owing)
    or customer.id in (select parent from customer where id in (select id from owing))
    or (upper(customer.searchstage) = 'CUSTOMER' and customer.isinactive is distinct from 'T'))
