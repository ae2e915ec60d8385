-- How much of each document is settled is known, not by which payment. Credits and advances that
-- a customer has used go to its settled invoices, the oldest first; what is left of an invoice's
-- settled amount was paid in money: one payment for each invoice. Advances are payments.
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
),
settled as (
    select entity, recordno as id, recordid, customerid, coalesce(currency, basecurr) as currency,
           whencreated, coalesce(whenpaid, whencreated) as whenpaid,
           abs(minor(coalesce(trx_totalentered, totalentered), coalesce(currency, basecurr)))
               as entered,
           abs(minor(coalesce(trx_totalpaid, totalpaid), coalesce(currency, basecurr))) as amount
    from document
    where state not in ('Draft', 'Submitted', 'Declined', 'Reversed', 'Reversal')
      and try_cast(_fivetran_deleted as boolean) is distinct from true
),
stretch as (
    select *, sum(amount) over (
        partition by customerid, currency, entity = 'invoice'
        order by whencreated, id rows unbounded preceding) as until
    from settled
    where amount > 0
),
link as (
    select given.entity, given.id as giver, taken.id as taker,
           least(given.until, taken.until)
           - greatest(given.until - given.amount, taken.until - taken.amount) as amount
    from stretch given
    join stretch taken
      on taken.customerid = given.customerid and taken.currency = given.currency
     and taken.entity = 'invoice'
    where given.entity <> 'invoice'
      and given.until - given.amount < taken.until and taken.until - taken.amount < given.until
)
select
    'paid-' || id as external_id,
    customerid as customer_external_id,
    currency,
    amount - coalesce((select sum(amount) from link where taker = stretch.id), 0) as amount,
    whenpaid as validated_at,
    recordid as ref_number
from stretch
where entity = 'invoice'
  and amount > coalesce((select sum(amount) from link where taker = stretch.id), 0)

union all
select id, customerid, currency, entered, whencreated, recordid
from settled
where entity = 'payment'
