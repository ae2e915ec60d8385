with ar_invoice as (
    select null::varchar as recordno, null::varchar as recordid, null::varchar as _fivetran_deleted,
           null::varchar as state, null::varchar as customerid, null::varchar as currency,
           null::varchar as basecurr, null::varchar as totalentered,
           null::varchar as trx_totalentered, null::varchar as totalpaid,
           null::varchar as trx_totalpaid, null::varchar as whencreated, null::varchar as whenpaid
    where false
    union all by name select * from ar_invoice
),
ar_adjustment as (
    select null::varchar as recordno, null::varchar as recordid, null::varchar as _fivetran_deleted,
           null::varchar as state, null::varchar as customerid, null::varchar as currency,
           null::varchar as basecurr, null::varchar as totalentered,
           null::varchar as trx_totalentered, null::varchar as totalpaid,
           null::varchar as trx_totalpaid, null::varchar as whencreated, null::varchar as whenpaid
    where false
    union all by name select * from ar_adjustment
),
ar_advance as (
    select null::varchar as recordno, null::varchar as recordid, null::varchar as _fivetran_deleted,
           null::varchar as state, null::varchar as customerid, null::varchar as currency,
           null::varchar as basecurr, null::varchar as totalentered,
           null::varchar as trx_totalentered, null::varchar as totalpaid,
           null::varchar as trx_totalpaid, null::varchar as whencreated, null::varchar as whenpaid
    where false
    union all by name select * from ar_advance
),
document as (
    select *, if(starts_with(coalesce(trx_totalentered, totalentered), '-'), 'credit_note',
                 'invoice') as entity
    from (select * from ar_invoice union all by name select * from ar_adjustment)
    union all by name
    select *, 'payment' as entity from ar_advance
)
select entity, recordno as id, recordid, customerid, coalesce(currency, basecurr) as currency,
       whencreated, coalesce(whenpaid, whencreated) as whenpaid,
       abs(minor(coalesce(trx_totalentered, totalentered), coalesce(currency, basecurr)))
           as entered,
       abs(minor(coalesce(trx_totalpaid, totalpaid), coalesce(currency, basecurr))) as amount
from document
where state not in ('Draft', 'Submitted', 'Declined', 'Reversed', 'Reversal')
  and try_cast(_fivetran_deleted as boolean) is distinct from true
