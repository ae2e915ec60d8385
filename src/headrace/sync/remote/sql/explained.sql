-- Where the source's own figure differs from the models': the documents that explain the whole
-- difference, or else those with flawed links, or else all open documents, to check one by one.
create or replace table plan.open_documents as
with apart as (
    select customer, currency, stated - control as gap
    from plan.compared_balances
    where control <> stated
    union all
    -- A difference in the total alone, which belongs to no particular customer.
    select '*', currency, (book - control)::bigint
    from plan.compared_totals
    cross join plan.with_control
    where control <> book and not given
),
flawed as (
    select from_entity as entity, from_external_id as external_id,
        'its link to ' || replace(to_entity, '_', ' ') || ' ' || to_external_id || ' '
            || coalesce(problem, 'is not complete') as flaw
    from book.flawed_links as flawed
    join book.allocations as allocation on allocation.rowid = flawed.row
    where flaw not in ('lost', 'follows')
    union all
    select to_entity, to_external_id,
        'its link from ' || replace(from_entity, '_', ' ') || ' ' || from_external_id || ' '
            || coalesce(problem, 'is not complete')
    from book.flawed_links as flawed
    join book.allocations as allocation on allocation.rowid = flawed.row
    where flaw not in ('lost', 'follows')
),
flaws as (
    select entity, external_id, min(flaw) as flaw from flawed group by all
),
judged as (
    select
        apart.customer as place,
        document.*,
        apart.gap,
        case
            when document.open = apart.gap then 1
            when document.open = 0 and document.entity = 'invoice' and document.amount = -apart.gap
                then 2
            when document.open = 0 and document.entity in ('payment', 'credit_note')
                and document.amount = apart.gap then 2
            when document.open * 2 = apart.gap then 3
            when apart.customer <> '*' and flaws.flaw is not null then 4
            when apart.customer <> '*' and document.open <> 0 then 5
        end as rank,
        flaws.flaw
    from plan.book_documents as document
    join apart
        on apart.currency = document.currency
        and apart.customer in ('*', document.stated_customer)
    left join flaws
        on flaws.entity = document.entity and flaws.external_id = document.external_id
)
select
    place,
    currency,
    entity,
    external_id,
    coalesce(numbers.number, '') as number,
    stated_customer as customer,
    open,
    concat_ws(
        '; ',
        case rank
            when 1 then 'open in the models: the whole difference'
            when 2 then 'settled in the models: its amount is the whole difference'
            when 3 then 'half of the difference: its sign may be wrong'
            when 5 then 'open in the models'
        end,
        flaw
    ) as reason
from judged
left join (
    select entity, external_id, any_value(number) as number
    from book.numbered
    semi join judged using (entity, external_id)
    group by all
) as numbers using (entity, external_id)
where rank is not null
qualify min(rank) over (partition by place, currency) in (rank, 5);
