-- Which allocations don't travel, and why: the smallest thing that can be withheld. The settlement
-- goes with its other links; what a flawed one would have settled stays open.
--
-- `problem` is null where the row's own completeness reports it, or where it only `follows` from a
-- record that is withheld.
create or replace temp table withheld_keys as
select distinct hash(entity, external_id) as key from book.withheld;

create or replace temp table examined as
select row from {links}
union
select row from book.link_marks semi join book.judged_links using (row)
union
select row from book.link_marks semi join withheld_keys on key = owner
union
select row from book.link_marks semi join withheld_keys on key = target;

create or replace temp table ends as
with wanted as (
    select from_entity as entity, from_external_id as external_id
    from book.allocations as allocation
    semi join examined on examined.row = allocation.rowid
    union
    select to_entity, to_external_id
    from book.allocations as allocation
    semi join examined on examined.row = allocation.rowid
)
select
    placed.entity,
    placed.external_id,
    any_value(placed.customer) as customer,
    any_value(placed.currency) as currency,
    coalesce(any_value(roots.root), any_value(placed.customer)) as root,
    any_value(withheld.reason) as withheld
from book.placed as placed
semi join wanted using (entity, external_id)
left join book.roots as roots on roots.external_id = placed.customer
left join book.withheld as withheld
    on withheld.entity = placed.entity and withheld.external_id = placed.external_id
-- An id alone is handed down through the view.
where placed.external_id in (select external_id from wanted)
group by all;

create or replace table book.flawed_links as
with judged as (
    select
        allocation.rowid as row,
        source.external_id is null and target.external_id is null as lost,
        case
            when from_entity is null or from_external_id is null or to_entity is null
                or to_external_id is null or allocation.amount is null
                then 'incomplete'
            when not (
                (from_entity in ('payment', 'credit_note') and to_entity = 'invoice')
                or (from_entity = 'refund' and to_entity in ('payment', 'credit_note'))
            ) then 'shape'
            when source.external_id is null and target.external_id is null then 'lost'
            when source.external_id is null then 'no source'
            when target.external_id is null then 'no target'
            when allocation.amount <= 0 then 'amount'
            -- In a currency that is none, the document is withheld, and the link with it.
            when source.currency <> target.currency
                and source.currency in (select code from book.currencies)
                and target.currency in (select code from book.currencies) then 'currency'
            when source.root <> target.root then 'family'
            -- Only payments are booked at the head of the family.
            when family_rule() = 'parent' and source.customer <> target.customer
                and source.root not in (source.customer, target.customer) then 'siblings'
            when source.withheld is not null or target.withheld is not null then 'follows'
        end as flaw,
        allocation.*,
        source.currency as currency,
        target.currency as target_currency,
        source.customer as customer,
        target.customer as target_customer,
        source.withheld is not null as source_withheld
    from book.allocations as allocation
    semi join examined on examined.row = allocation.rowid
    left join ends as source
        on source.entity = from_entity and source.external_id = from_external_id
    left join ends as target
        on target.entity = to_entity and target.external_id = to_external_id
)
select
    row,
    flaw,
    case flaw
        when 'shape' then 'goes from ' || from_entity || ' to ' || to_entity
        when 'lost' then 'has neither end in the tables ' || from_entity || 's and '
            || to_entity || 's'
        when 'no source' then 'comes from a ' || replace(from_entity, '_', ' ')
            || ' that is not in the table ' || from_entity || 's'
        when 'no target' then 'goes to ' || if(to_entity = 'invoice', 'an ', 'a ')
            || replace(to_entity, '_', ' ') || ' that is not in the table ' || to_entity || 's'
        when 'amount' then 'is of ' || coalesce(money(amount, currency), amount::varchar)
        when 'currency' then 'goes from ' || currency || ' to ' || target_currency
        when 'family' then 'goes from customer ' || customer || ' to customer ' || target_customer
            || ', who are not of one family'
        when 'siblings' then 'goes from customer ' || customer || ' to its sibling '
            || target_customer || ', and family_payments = "parent" is for payments alone'
    end as problem,
    case flaw
        when 'lost' then 'leave the row out in models/allocations.sql; nothing is sent for it'
        when 'amount' then 'allocate more than nothing, or leave the row out'
        when 'currency' then 'allocate within one currency'
        when 'family' then 'give both customers one parent, or correct the allocation'
        when 'siblings' then 'book it at the parent of customer ' || customer
        else 'correct models/allocations.sql or the source'
    end as remedy,
    if(
        flaw = 'follows',
        if(
            source_withheld,
            'its ' || replace(from_entity, '_', ' ') || ' ' || from_external_id || ' is withheld',
            'its ' || replace(to_entity, '_', ' ') || ' ' || to_external_id || ' is withheld'
        ),
        null
    ) as follows
from judged
where flaw is not null;
