-- What each document leaves owed (positive) or in credit (negative), by the source's own rows:
-- withheld ones count too, for the source is what the API is held against.
create or replace table plan.book_documents as
select
    entity,
    external_id,
    customer,
    currency,
    case when entity in ('invoice', 'refund') then open else -open end as open
from (
    select
        placed.entity,
        placed.external_id,
        placed.customer,
        placed.currency,
        placed.amount
            - coalesce(given.amount, 0)
            - coalesce(taken.amount, 0)
            - coalesce(fix.amount, 0) as open
    from book.placed as placed
    left join book.allocated_from as given
        on given.entity = placed.entity and given.external_id = placed.external_id
    left join book.allocated_to as taken
        on taken.entity = placed.entity and taken.external_id = placed.external_id
    left join (select invoice_external_id, amount from book.fixes) as fix
        on placed.entity = 'invoice' and fix.invoice_external_id = placed.external_id
    where placed.entity <> 'customer'
      and not (placed.entity = 'payment' and starts_with(placed.external_id, 'fix:'))
);

create or replace table plan.api_documents (
    entity varchar, external_id varchar, customer varchar, currency varchar, open bigint
);
create or replace table plan.api_customers (
    id varchar, external_id varchar, parent varchar, currency varchar, balance bigint
);
