-- The sides compared, per customer and currency and per document. `collected` is the part of the
-- API's balance from money that is not booked yet; it is no difference.
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
),
of_models as (
    select stated_customer as customer, currency, sum(open)::bigint as balance
    from plan.book_documents
    group by all
)
select
    customer,
    currency,
    coalesce(of_book.balance, 0) as book,
    coalesce(of_api.balance, 0) as api,
    coalesce(of_collected.amount, 0) as collected,
    -- A customer that is missing in the source's own list has a balance of 0 there.
    case when with_control.given then
        if(control.unread, null, coalesce(control.balance, 0)) end as control,
    coalesce(of_models.balance, 0) as stated
from of_book
full outer join of_api using (customer, currency)
full outer join of_models using (customer, currency)
full outer join plan.control as control using (customer, currency)
left join of_collected using (customer, currency)
cross join plan.with_control as with_control;

-- Documents that differ: in their open amounts, and open invoices also in due date and state. A
-- document of the models that the API lacks is included even if nothing is open on it; one that
-- only the API has is included only if something is.
create or replace table plan.differing as
with effects as (
    select customer, currency, entity, external_id, sum(amount)::bigint as amount
    from plan.collected_effects
    group by all
),
compared as (
    select
        customer,
        currency,
        entity,
        external_id,
        of_book.entity is not null as in_book,
        of_api.entity is not null as in_api,
        coalesce(of_book.open, 0) as book,
        coalesce(of_api.open, 0) as api,
        coalesce(effects.amount, 0) as effect,
        of_book.due as due,
        of_api.due as api_due,
        of_api.id as id,
        of_api.number as api_number,
        if(entity = 'invoice' and in_book, case
            when book <= 0 then 'paid'
            when of_book.due::date < today.day then 'overdue'
            else 'due' end, '') as book_state,
        if(entity = 'invoice' and in_api, lower(coalesce(of_api.state, '')), '') as api_state,
        -- Collected money can settle an invoice that is still open in the models.
        if(book_state <> '' and book + effect <= 0, 'paid', book_state) as expected_state,
        -- On the day after the due date, the state depends on the organisation's time zone.
        expected_state in ('due', 'overdue') and api_state in ('due', 'overdue')
            and of_book.due::date between today.day - 1 and today.day as either
    from plan.book_documents as of_book
    full outer join plan.api_documents as of_api using (customer, currency, entity, external_id)
    left join effects using (customer, currency, entity, external_id)
    cross join plan.today as today
)
select
    * exclude (effect, expected_state, either),
    book <> api - effect as open_differs,
    coalesce(in_book and in_api and book > 0 and due::date <> api_due::date, false) as due_differs,
    -- States that people set in Upflow, such as a dispute, are not in the source.
    in_book and expected_state <> api_state and not either
        and api_state in ('due', 'overdue', 'paid', 'voided', 'written_off') as state_differs
from compared
where open_differs or due_differs or state_differs or not in_api;

-- Balances that the API states and that differ from the sum of its documents. A parent's balance
-- includes its children's, and each is in one currency.
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
),
-- A sum over several currencies is converted at the API's rates, which are not known here.
converted as (
    select distinct family.head
    from family
    join plan.api_documents as document on document.customer = family.customer
    where document.currency <> family.currency and document.open <> 0
)
select
    customer.external_id as customer,
    customer.currency,
    coalesce(summed.balance, 0) as documents,
    customer.balance as stated
from plan.api_customers as customer
left join summed on summed.customer = customer.external_id and summed.currency = customer.currency
anti join converted on converted.head = customer.external_id
where coalesce(summed.balance, 0) <> customer.balance;
