-- Amounts are those in the document's own currency. What does not post (pending approval, rejected)
-- and what is voided is left out.
with transaction as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as type, null::varchar as entity,
           null::varchar as tranid, null::varchar as transactionnumber, null::varchar as trandate,
           null::varchar as duedate, null::varchar as currency, null::varchar as foreigntotal,
           null::varchar as posting, null::varchar as voided, null::varchar as otherrefnum
    where false
    union all by name select * from transaction
),
transactionline as (
    select null::varchar as transaction, null::varchar as _fivetran_deleted,
           null::varchar as mainline, null::varchar as taxline, null::varchar as foreignamount
    where false
    union all by name select * from transactionline
),
job as (
    select null::varchar as id, null::varchar as customer where false
    union all by name select * from job
),
line as (
    select transaction,
           max(if(mainline = 'T', foreignamount, null)) as total,
           sum(if(taxline = 'T', try_cast(foreignamount as decimal(38, 6)), null))::varchar as tax
    from transactionline
    where try_cast(_fivetran_deleted as boolean) is distinct from true
    group by transaction
)
select
    sold.id as external_id,
    coalesce(job.customer, sold.entity) as customer_external_id,
    coalesce(sold.tranid, sold.transactionnumber, sold.id) as custom_id,
    sold.trandate as issued_at,
    coalesce(sold.duedate, sold.trandate) as due_date,
    currency.symbol as currency,
    minor(coalesce(sold.foreigntotal, line.total), currency.symbol) as gross_amount,
    minor(coalesce(sold.foreigntotal, line.total), currency.symbol)
        - coalesce(abs(minor(line.tax, currency.symbol)), 0) as net_amount,
    sold.otherrefnum as name
from transaction sold
left join line on line.transaction = sold.id
left join currency on currency.id = sold.currency
left join job on job.id = sold.entity
where sold.type = 'CustInvc' and sold.posting is distinct from 'F'
  and sold.voided is distinct from 'T'
  and try_cast(sold._fivetran_deleted as boolean) is distinct from true
  and try_cast(sold._fivetran_active as boolean) is distinct from false
