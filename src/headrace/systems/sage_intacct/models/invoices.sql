-- Invoices and debit memos. Drafts and submitted ones are not yet debts; a reversed document and
-- its reversal make up for each other, and both are left out. Where the company has several
-- currencies, amounts in the document's own start with trx.
with ar_invoice as (
    select null::varchar as recordno, null::varchar as recordid, null::varchar as docnumber,
           null::varchar as _fivetran_deleted, null::varchar as state, null::varchar as customerid,
           null::varchar as currency, null::varchar as basecurr, null::varchar as totalentered,
           null::varchar as trx_totalentered, null::varchar as whencreated,
           null::varchar as whendue, null::varchar as description, null::varchar as ponumber
    where false
    union all by name select * from ar_invoice
),
ar_adjustment as (
    select null::varchar as recordno, null::varchar as recordid, null::varchar as docnumber,
           null::varchar as _fivetran_deleted, null::varchar as state, null::varchar as customerid,
           null::varchar as currency, null::varchar as basecurr, null::varchar as totalentered,
           null::varchar as trx_totalentered, null::varchar as whencreated,
           null::varchar as whendue, null::varchar as description, null::varchar as ponumber
    where false
    union all by name select * from ar_adjustment
),
document as (
    select * from ar_invoice union all by name select * from ar_adjustment
)
select
    recordno as external_id,
    customerid as customer_external_id,
    coalesce(recordid, recordno) as custom_id,
    whencreated as issued_at,
    coalesce(whendue, whencreated) as due_date,
    coalesce(currency, basecurr) as currency,
    minor(coalesce(trx_totalentered, totalentered), coalesce(currency, basecurr)) as gross_amount,
    minor(coalesce(trx_totalentered, totalentered), coalesce(currency, basecurr)) as net_amount,
    ponumber as name
from document
where not starts_with(coalesce(trx_totalentered, totalentered), '-')
  and state not in ('Draft', 'Submitted', 'Declined', 'Reversed', 'Reversal')
  and try_cast(_fivetran_deleted as boolean) is distinct from true
