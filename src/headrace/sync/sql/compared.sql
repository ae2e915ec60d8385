-- Both sides side by side: per customer and currency, and per document.
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
)
select
    customer,
    currency,
    coalesce(of_book.balance, 0) as book,
    coalesce(of_api.balance, 0) as api
from of_book
full outer join of_api using (customer, currency);

create or replace table plan.compared_documents as
select
    customer,
    currency,
    entity,
    external_id,
    coalesce(of_book.open, 0) as book,
    coalesce(of_api.open, 0) as api,
    case
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
where coalesce(of_book.open, 0) <> coalesce(of_api.open, 0);

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
