-- Sums of synthetic payments, by the mark at the start of their reference.
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
