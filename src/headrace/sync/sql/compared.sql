-- Both sides side by side: per customer and currency, and per document. `collected` is what the API
-- has by money that is not booked yet, which is no difference.
create or replace table plan.compared_balances as
with of_book as (
    select customer, currency, sum(open)::bigint as balance
    from plan.book_documents
    group by all
),
of_api as (
    select customer, currency, sum(open)::bigint as balance
    from plan.api_documents
    group by all
),
of_collected as (
    select customer, currency, sum(amount)::bigint as amount
    from plan.collected_effects
    group by all
)
select
    customer,
    currency,
    coalesce(of_book.balance, 0) as book,
    coalesce(of_api.balance, 0) as api,
    coalesce(of_collected.amount, 0) as collected
from of_book
full outer join of_api using (customer, currency)
left join of_collected using (customer, currency);

create or replace table plan.compared_documents as
with effects as (
    select customer, currency, entity, external_id, sum(amount)::bigint as amount
    from plan.collected_effects
    group by all
)
select
    customer,
    currency,
    entity,
    external_id,
    coalesce(of_book.open, 0) as book,
    coalesce(of_api.open, 0) as api,
    case
        when doubles.id is not null
            then 'collected by Upflow, and may be booked as ' || doubles.booked
        when of_api.entity is null then 'not in the API' || coalesce(
            ': ' || withheld.reason, ': ' || held.reason, ': not sent yet'
        )
        when of_book.entity is null then 'not in the source'
        else 'open amounts differ'
    end as reason
from plan.book_documents as of_book
full outer join plan.api_documents as of_api using (customer, currency, entity, external_id)
left join book.withheld as withheld using (entity, external_id)
left join plan.held as held using (entity, external_id)
left join effects using (customer, currency, entity, external_id)
left join plan.doubles as doubles on doubles.entity = of_api.entity
    and doubles.id = of_api.external_id
where coalesce(of_book.open, 0) <> coalesce(of_api.open, 0) - coalesce(effects.amount, 0);

-- The API's own balance, a parent's with its children's, in the one currency that it states.
create or replace table plan.compared_statements as
with family as (
    select external_id as customer, external_id as head, currency from plan.api_customers
    union all
    select child.external_id, parent.external_id, parent.currency
    from plan.api_customers as child
    join plan.api_customers as parent on parent.id = child.parent
),
summed as (
    select family.head as customer, family.currency, sum(document.open)::bigint as balance
    from family
    join plan.api_documents as document using (customer, currency)
    group by all
)
select customer.external_id as customer, customer.currency, coalesce(summed.balance, 0) as documents,
    customer.balance as stated
from plan.api_customers as customer
left join summed on summed.customer = customer.external_id and summed.currency = customer.currency
where coalesce(summed.balance, 0) <> customer.balance;

-- Payments that are no money, by what their reference starts with.
create or replace table plan.compared_kinds as
with of_book as (
    select split_part(ref_number, ':', 1) as kind, currency, sum(amount)::bigint as amount
    from book.all_payments
    where origin in ('fix', 'settlement')
    group by all
),
of_api as (
    select kind, currency, sum(amount)::bigint as amount
    from plan.api_kinds
    group by all
)
select kind, currency, coalesce(of_book.amount, 0) as book, coalesce(of_api.amount, 0) as api
from of_book
full outer join of_api using (kind, currency)
where kind is not null
order by kind, currency;
