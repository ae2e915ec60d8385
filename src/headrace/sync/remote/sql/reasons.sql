-- The differing documents with the likely reason: a link that is not sent, a linked document that
-- the API lacks, another customer or currency, or a state of delivery.
create or replace table plan.compared_documents as
with links as (
    select from_entity as entity, from_external_id as external_id,
        replace(to_entity, '_', ' ') || ' ' || to_external_id as other, reason,
        'to' as direction
    from plan.staying_links
    union all
    select to_entity, to_external_id,
        replace(from_entity, '_', ' ') || ' ' || from_external_id, reason, 'from'
    from plan.staying_links
),
absent as (
    select entity, external_id from plan.differing where in_book and not in_api
),
missing as (
    select link.to_entity as entity, link.to_external_id as external_id,
        link.from_entity as other_entity, link.from_external_id as other
    from book.stated_links as link
    join absent on absent.entity = link.from_entity and absent.external_id = link.from_external_id
    union all
    select link.from_entity, link.from_external_id, link.to_entity, link.to_external_id
    from book.stated_links as link
    join absent on absent.entity = link.to_entity and absent.external_id = link.to_external_id
),
causes as (
    select entity, external_id,
        'its link ' || direction || ' ' || other || ' is not sent: it ' || reason as cause
    from links
    where not starts_with(reason, 'its ')
    union all
    select entity, external_id,
        'its link ' || direction || ' ' || other || ' is not sent: ' || reason
    from links
    where starts_with(reason, 'its ')
    union all
    select entity, external_id,
        'its ' || replace(other_entity, '_', ' ') || ' ' || other || ' is not in the API'
    from missing
),
named as (
    select entity, external_id, min(cause) as cause, count(distinct cause) as causes
    from causes
    semi join plan.differing using (entity, external_id)
    group by all
),
elsewhere as (
    select one.entity, one.external_id, one.in_book,
        if(one.customer <> other.customer, 'customer ' || other.customer, other.currency) as place
    from plan.differing as one
    join plan.differing as other using (entity, external_id)
    where one.in_book <> other.in_book and one.in_api <> other.in_api
)
select
    customer,
    currency,
    entity,
    if(in_book, coalesce(external_id, '?'), external_id) as external_id,
    one.id as api_id,
    book,
    api,
    case
        when doubles.id is not null
            then 'collected by Upflow, and may be booked as ' || doubles.booked
        when elsewhere.place is not null
            then if(in_book, 'in the API', 'in the models') || ' it '
                || if(starts_with(elsewhere.place, 'customer '), 'belongs to ', 'is in ')
                || elsewhere.place
        when not in_api then 'not in the API: ' || coalesce(
            withheld.reason,
            held.reason,
            if(external_id is null, 'has no external_id', null),
            if(acknowledged.entity is null, null,
                'it was, and is gone: run `headrace drift --repair` to send it again'),
            'not sent yet'
        )
        when not in_book then 'not in the models'
        else concat_ws(
            '; ',
            if(open_differs, 'open amounts differ', null),
            if(state_differs,
                book_state || ' in the models, ' || replace(api_state, '_', ' ') || ' in the API',
                null),
            if(due_differs,
                'due ' || due::date || ' in the models, ' || api_due::date || ' in the API', null),
            nullif(concat_ws(
                '; ',
                withheld.reason,
                held.reason,
                named.cause || if(named.causes > 1, ' (and ' || (named.causes - 1) || ' more)', '')
            ), '')
        )
    end as reason,
    coalesce(numbers.number, one.api_number, '') as number,
    book_state,
    api_state
from plan.differing as one
left join book.withheld as withheld using (entity, external_id)
left join plan.held as held using (entity, external_id)
left join named using (entity, external_id)
left join elsewhere using (entity, external_id, in_book)
left join (
    select entity, external_id, any_value(number) as number
    from book.numbered
    semi join plan.differing using (entity, external_id)
    group by all
) as numbers using (entity, external_id)
left join (
    select entity, external_id
    from staging.acknowledged
    semi join plan.differing using (entity, external_id)
) as acknowledged using (entity, external_id)
left join plan.doubles as doubles on doubles.entity = one.entity and doubles.id = one.external_id
-- Collected money that may be at the API twice is a difference even if nothing is open on it.
where open_differs or due_differs or state_differs or not in_api;
