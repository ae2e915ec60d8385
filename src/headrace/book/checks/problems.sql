-- The problems, errors first, each with what people call its record: a link by the document that it
-- settles and by whose money it is. Where an id stands in several rows, any of them names it.
with wanted as (
    select distinct entity, external_id from book.problems
),

links as (
    select
        from_entity || ' ' || from_external_id || ' → '
        || to_entity || ' ' || to_external_id as external_id,
        from_entity,
        from_external_id,
        to_entity,
        to_external_id
    from book.allocations as allocation
    -- Whatever has a problem is found there, incomplete rows too.
    semi join book.flawed_links as flawed on flawed.row = allocation.rowid
),

wanted_links as (
    from links semi join wanted on wanted.entity = 'link' and wanted.external_id = links.external_id
),

-- Of millions of records, only these are read.
ids as (
    select external_id from wanted
    union
    select from_external_id from wanted_links
    union
    select to_external_id from wanted_links
),

records as (
    select entity, external_id, customer, number
    from book.known
    semi join ids using (external_id)
    union all
    select
        'contact', coalesce(external_id, customer_external_id || '/' || coalesce(email, '?')),
        customer_external_id, if(external_id is not null, email, null)
    from book.contacts
    where exists(from wanted where entity = 'contact')
),

named as (
    select wanted.entity, wanted.external_id, records.customer, records.number
    from wanted
    join records using (entity, external_id)
    union all
    select 'link', links.external_id, source.customer, target.number
    from wanted_links as links
    left join records as source
        on source.entity = links.from_entity and source.external_id = links.from_external_id
    left join records as target
        on target.entity = links.to_entity and target.external_id = links.to_external_id
),

names as (
    select
        named.entity,
        named.external_id,
        min(customers.name) as customer_name,
        min(named.number) as number
    from named
    left join book.customers as customers on customers.external_id = named.customer
    group by all
)

select
    severity,
    problems.entity,
    problems.external_id,
    problem,
    remedy,
    coalesce(customer_name, ''),
    coalesce(number, '')
from book.problems as problems
left join names on names.entity = problems.entity and names.external_id = problems.external_id
order by severity, problems.entity, problems.external_id, problem
limit ?;
