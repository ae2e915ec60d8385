-- Totals per currency. Without `control_totals`, the source's own total is the sum of `control`.
create or replace table plan.compared_totals as
with summed as (
    select currency, count(*) as customers, sum(book)::hugeint as book, sum(api)::hugeint as api,
        sum(collected)::hugeint as collected,
        if(bool_or(control is null), null, sum(control)::hugeint) as control
    from plan.compared_balances
    group by currency
)
select
    currency,
    coalesce(customers, 0) as customers,
    coalesce(book, 0) as book,
    coalesce(api, 0) as api,
    coalesce(collected, 0) as collected,
    case
        when not totals_given then control
        when coalesce(totals.unread, false) then null
        else coalesce(totals.balance, 0)
    end as control,
    if(given and totals_given, control, null) as control_sum
from summed
full outer join plan.control_totals as totals using (currency)
cross join plan.with_control;
