-- People create account managers and dunning plans in Upflow (docs/api-evidence.md,
-- Account managers and workflows). A name that is not there can't be sent; the customer goes
-- without it.
-- Over: customers where account_manager is not null.
-- Over: customers where dunning_plan is not null.
with named as (
    select external_id, 'account_manager' as kind, account_manager as name
    from book.customers
    where account_manager is not null
    union all
    select external_id, 'dunning_plan', dunning_plan
    from book.customers
    where dunning_plan is not null
),
known as (
    select kind, string_agg(distinct shown, ', ' order by shown) as shown
    from book.names
    group by kind
)
select
    'warning',
    'customer',
    named.external_id,
    'has the ' || replace(named.kind, '_', ' ') || ' ''' || named.name
        || ''', which the API does not have (it has: ' || coalesce(known.shown, 'none') || ')',
    case named.kind
        when 'account_manager' then 'write the e-mail or id of a user; it is sent without'
        else 'write the name or id of a dunning plan; it is sent without'
    end
from named
left join known on known.kind = named.kind
anti join book.names as names on names.kind = named.kind and names.name = lower(named.name);
