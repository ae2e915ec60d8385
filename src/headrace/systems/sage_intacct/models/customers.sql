-- Customers are those of the documents, by the name that the last one has.
-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
with ar_invoice as (
    select null::varchar as recordno, null::varchar as _fivetran_deleted,
           null::varchar as customerid, null::varchar as customername
    where false
    union all by name select * from ar_invoice
),
ar_adjustment as (
    select null::varchar as recordno, null::varchar as _fivetran_deleted,
           null::varchar as customerid, null::varchar as customername
    where false
    union all by name select * from ar_adjustment
),
ar_advance as (
    select null::varchar as recordno, null::varchar as _fivetran_deleted,
           null::varchar as customerid, null::varchar as customername
    where false
    union all by name select * from ar_advance
),
document as (
    select recordno, _fivetran_deleted, customerid, customername from ar_invoice
    union all
    select recordno, _fivetran_deleted, customerid, customername from ar_adjustment
    union all
    select recordno, _fivetran_deleted, customerid, customername from ar_advance
)
select
    customerid as external_id,
    coalesce(customername, customerid) as name,
    customerid as accounting_ref
from document
where customerid is not null and try_cast(_fivetran_deleted as boolean) is distinct from true
qualify row_number() over (
    partition by customerid
    order by customername is null, try_cast(recordno as bigint) desc, recordno desc
) = 1
