-- Open amounts by days past due, on both sides; amounts that are not linked to an invoice are
-- `unapplied`. All columns add up to the balance.
create or replace table plan.ageing as
with documents as (
    select 'models' as side, entity, currency, open, due from plan.book_documents
    union all
    select 'API', entity, currency, open, due from plan.api_documents
),
late as (
    select documents.*, date_diff('day', due::date, today.day) as days
    from documents
    cross join plan.today as today
    where open <> 0
)
select
    currency,
    side,
    coalesce(sum(open) filter (where entity = 'invoice' and coalesce(days, 0) <= 0), 0)::hugeint
        as not_due,
    coalesce(sum(open) filter (where entity = 'invoice' and days between 1 and 30), 0)::hugeint
        as days_30,
    coalesce(sum(open) filter (where entity = 'invoice' and days between 31 and 60), 0)::hugeint
        as days_60,
    coalesce(sum(open) filter (where entity = 'invoice' and days between 61 and 90), 0)::hugeint
        as days_90,
    coalesce(sum(open) filter (where entity = 'invoice' and days > 90), 0)::hugeint as older,
    coalesce(sum(open) filter (where entity <> 'invoice'), 0)::hugeint as unapplied
from late
group by currency, side
order by currency, side desc;
