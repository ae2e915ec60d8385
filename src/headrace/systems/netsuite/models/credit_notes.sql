-- NetSuite writes the amount of a credit memo with a minus.
with transaction as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as type, null::varchar as entity,
           null::varchar as tranid, null::varchar as transactionnumber, null::varchar as trandate,
           null::varchar as currency, null::varchar as foreigntotal, null::varchar as posting,
           null::varchar as voided, null::varchar as otherrefnum
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
    note.id as external_id,
    coalesce(job.customer, note.entity) as customer_external_id,
    coalesce(note.tranid, note.transactionnumber, note.id) as custom_id,
    note.trandate as issued_at,
    currency.symbol as currency,
    abs(minor(coalesce(note.foreigntotal, line.total), currency.symbol)) as gross_amount,
    abs(minor(coalesce(note.foreigntotal, line.total), currency.symbol))
        - coalesce(abs(minor(line.tax, currency.symbol)), 0) as net_amount,
    note.otherrefnum as name
from transaction note
left join line on line.transaction = note.id
left join currency on currency.id = note.currency
left join job on job.id = note.entity
where note.type = 'CustCred' and note.posting is distinct from 'F'
  and note.voided is distinct from 'T'
  and try_cast(note._fivetran_deleted as boolean) is distinct from true
  and try_cast(note._fivetran_active as boolean) is distinct from false
