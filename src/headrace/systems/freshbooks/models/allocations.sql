with payments as (
    select null::varchar as id, null::varchar as vis_state, null::varchar as type,
           null::varchar as amount, null::varchar as invoiceid, null::varchar as creditid
    where false
    union all by name select * from payments
),
credit_notes as (
    select null::varchar as creditid, null::varchar as vis_state, null::varchar as credit_type
    where false
    union all by name select * from credit_notes
),
invoices as (
    select null::varchar as id, null::varchar as vis_state, null::varchar as v3_status where false
    union all by name select * from invoices
),
sold as (
    select id
    from invoices
    where vis_state is distinct from '1' and v3_status is distinct from 'draft'
),
credit as (
    select creditid as id, coalesce(credit_type, '') in ('prepayment', 'overpayment') as is_money
    from credit_notes
    where vis_state is distinct from '1'
)
select
    if(payments.type = 'Credit' and not credit.is_money, 'credit_note', 'payment') as from_entity,
    case
        when payments.type is distinct from 'Credit' then payments.id
        when credit.is_money then 'credit-' || credit.id
        else credit.id
    end as from_external_id,
    'invoice' as to_entity,
    payments.invoiceid as to_external_id,
    sum(minor(payments.amount ->> 'amount', payments.amount ->> 'code')) as amount
from payments
left join credit on credit.id = payments.creditid
where payments.vis_state is distinct from '1' and payments.invoiceid in (select id from sold)
  and (payments.type is distinct from 'Credit' or credit.id is not null)
group by all
