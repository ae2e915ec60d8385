-- The amount that each document leaves owed (positive) or in credit (negative), by the source's
-- rows. Withheld records count too, because the API is compared with the source. `stated_customer`
-- is the customer in the models, also where `family_payments` books a payment at the family's root.
create or replace table plan.book_documents as
with given as (
    select from_entity as entity, from_external_id as external_id, sum(amount) as amount
    from book.stated_links
    group by all
),
taken as (
    select to_entity as entity, to_external_id as external_id, sum(amount) as amount
    from book.stated_links
    group by all
),
opened as (
    select
        placed.*,
        (placed.amount - coalesce(given.amount, 0) - coalesce(taken.amount, 0))::bigint as open
    from book.placed as placed
    left join given on given.entity = placed.entity and given.external_id = placed.external_id
    left join taken on taken.entity = placed.entity and taken.external_id = placed.external_id
    where placed.entity <> 'customer'
),
stated as (
    select payment.external_id, payment.customer_external_id as customer
    from book.rebooked as rebooked
    join book.payments as payment using (external_id)
)
select
    opened.entity,
    opened.external_id,
    coalesce(opened.customer, '') as customer,
    coalesce(stated.customer, opened.customer, '') as stated_customer,
    coalesce(opened.currency, '') as currency,
    opened.amount,
    case when opened.entity in ('invoice', 'refund') then open else -open end as open,
    invoices.due_date as due
from opened
left join book.invoices as invoices
    on opened.entity = 'invoice' and invoices.external_id = opened.external_id
left join stated on opened.entity = 'payment' and stated.external_id = opened.external_id;

create or replace table plan.api_documents (
    entity varchar, external_id varchar, id varchar, customer varchar, currency varchar,
    open bigint, due timestamp, state varchar, number varchar
);
create or replace table plan.api_customers (
    id varchar, external_id varchar, parent varchar, currency varchar, balance bigint, name varchar
);

-- The customer's name in the models, or else at the API.
create or replace view plan.names as
select external_id as customer, first(name order by place) as name
from (
    select external_id, name, 1 as place from book.customers
    union all
    select external_id, name, 2 from plan.api_customers
)
group by external_id;
