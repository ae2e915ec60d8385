-- NetSuite links the lines of a document with those of the one that settles it: an invoice with a
-- payment, credit memo, deposit application or journal entry, a credit with the refund that pays it
-- out. The amount is in the currency of the settled document. A deposit application only links its
-- deposit with an invoice.
with transaction as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as _fivetran_active, null::varchar as type, null::varchar as entity,
           null::varchar as currency, null::varchar as posting, null::varchar as voided
    where false
    union all by name select * from transaction
),
transactionline as (
    select null::varchar as transaction, null::varchar as _fivetran_deleted,
           null::varchar as entity, null::varchar as expenseaccount, null::varchar as foreignamount
    where false
    union all by name select * from transactionline
),
previoustransactionlinelink as (
    select null::varchar as _fivetran_deleted, null::varchar as previousdoc,
           null::varchar as nextdoc, null::varchar as linktype, null::varchar as foreignamount
    where false
    union all by name select * from previoustransactionlinelink
),
live as (
    select * from transaction
    where posting is distinct from 'F' and voided is distinct from 'T'
      and try_cast(_fivetran_deleted as boolean) is distinct from true
      and try_cast(_fivetran_active as boolean) is distinct from false
),
journal as (
    select booked.transaction, booked.entity,
           sum(try_cast(booked.foreignamount as decimal(38, 6))) as debit
    from transactionline booked
    join account on account.id = booked.expenseaccount and account.accttype = 'AcctRec'
    where booked.entity is not null
      and try_cast(booked._fivetran_deleted as boolean) is distinct from true
    group by booked.transaction, booked.entity
),
deposit as (
    select nextdoc as application, min(previousdoc) as id
    from previoustransactionlinelink
    where linktype = 'DepAppl' and try_cast(_fivetran_deleted as boolean) is distinct from true
    group by nextdoc
),
link as (
    select previous.type as settled_type, previous.id as settled, previous.entity as settled_entity,
           following.type as settling_type, coalesce(deposit.id, following.id) as settling,
           following.entity as settling_entity, previous.currency,
           ltrim(line.foreignamount, '-') as amount
    from previoustransactionlinelink line
    join live previous on previous.id = line.previousdoc
    join live following on following.id = line.nextdoc
    left join deposit on deposit.application = following.id and following.type = 'DepAppl'
    where line.linktype in ('Payment', 'DepRfnd')
      and try_cast(line._fivetran_deleted as boolean) is distinct from true
),
-- Either side as what it is in Upflow. A journal entry's part is that of the other side's customer.
named as (
    select
        case settled_type
            when 'CustInvc' then 'invoice'
            when 'CustCred' then 'credit_note'
            when 'CustPymt' then 'payment'
            when 'CustDep' then 'payment'
            when 'Journal' then if(owed.debit > 0, 'refund', 'payment')
        end as settled_as,
        if(settled_type = 'Journal', 'journal-' || settled || '-' || settling_entity, settled)
            as settled_id,
        case settling_type
            when 'CustPymt' then 'payment'
            when 'DepAppl' then 'payment'
            when 'CustCred' then 'credit_note'
            when 'CustRfnd' then 'refund'
            when 'Journal' then if(paid.debit > 0, 'refund', 'payment')
        end as settling_as,
        if(settling_type = 'Journal', 'journal-' || settling || '-' || settled_entity, settling)
            as settling_id,
        minor(link.amount, currency.symbol) as amount
    from link
    left join currency on currency.id = link.currency
    left join journal owed on owed.transaction = settled and owed.entity = settling_entity
    left join journal paid on paid.transaction = settling and paid.entity = settled_entity
)
select
    if(settled_as = 'refund', settled_as, settling_as) as from_entity,
    if(settled_as = 'refund', settled_id, settling_id) as from_external_id,
    if(settled_as = 'refund', settling_as, settled_as) as to_entity,
    if(settled_as = 'refund', settling_id, settled_id) as to_external_id,
    sum(amount) as amount
from named
where (settled_as, settling_as) in (
    ('invoice', 'payment'), ('invoice', 'credit_note'), ('payment', 'refund'),
    ('credit_note', 'refund'), ('refund', 'payment'), ('refund', 'credit_note'))
group by all
