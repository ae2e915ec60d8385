-- Payments, deposits (money before its invoice), and journal entries that credit a customer's
-- receivable account.
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
    select null::varchar as id, null::varchar as transaction, null::varchar as _fivetran_deleted,
           null::varchar as mainline, null::varchar as entity, null::varchar as expenseaccount,
           null::varchar as foreignamount
    where false
    union all by name select * from transactionline
),
job as (
    select null::varchar as id, null::varchar as customer where false
    union all by name select * from job
),
live as (
    select * from transaction
    where posting is distinct from 'F' and voided is distinct from 'T'
      and try_cast(_fivetran_deleted as boolean) is distinct from true
      and try_cast(_fivetran_active as boolean) is distinct from false
),
line as (
    select transaction, max(foreignamount) as total
    from transactionline
    where mainline = 'T' and try_cast(_fivetran_deleted as boolean) is distinct from true
    group by transaction
),
money as (
    select live.id as external_id, live.entity,
           ltrim(coalesce(live.foreigntotal, line.total), '-') as amount, live.currency,
           live.trandate, coalesce(live.otherrefnum, live.tranid, live.transactionnumber) as number
    from live
    left join line on line.transaction = live.id
    where live.type in ('CustPymt', 'CustDep')

    union all
    select 'journal-' || live.id || '-' || booked.entity, booked.entity,
           (-sum(try_cast(booked.foreignamount as decimal(38, 6))))::varchar, live.currency,
           live.trandate, coalesce(live.tranid, live.transactionnumber)
    from live
    join transactionline booked on booked.transaction = live.id and booked.entity is not null
    join account on account.id = booked.expenseaccount and account.accttype = 'AcctRec'
    where live.type = 'Journal'
      and try_cast(booked._fivetran_deleted as boolean) is distinct from true
    group by live.id, booked.entity, live.currency, live.trandate, live.tranid,
             live.transactionnumber
    having sum(try_cast(booked.foreignamount as decimal(38, 6))) < 0
)
select
    money.external_id,
    coalesce(job.customer, money.entity) as customer_external_id,
    currency.symbol as currency,
    minor(money.amount, currency.symbol) as amount,
    money.trandate as validated_at,
    money.number as ref_number
from money
left join currency on currency.id = money.currency
left join job on job.id = money.entity
