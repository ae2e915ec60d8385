-- What each document leaves owed (positive) or in credit (negative), by the source's own rows:
-- withheld ones count too, for the source is what the API is held against.
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
)
select
    opened.entity,
    opened.external_id,
    opened.customer,
    opened.currency,
    case when opened.entity in ('invoice', 'refund') then open else -open end as open,
    invoices.due_date as due
from opened
left join book.invoices as invoices
    on opened.entity = 'invoice' and invoices.external_id = opened.external_id;

create or replace table plan.api_documents (
    entity varchar, external_id varchar, customer varchar, currency varchar, open bigint,
    due timestamp
);
create or replace table plan.api_customers (
    id varchar, external_id varchar, parent varchar, currency varchar, balance bigint
);
