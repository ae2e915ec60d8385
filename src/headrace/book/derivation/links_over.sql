-- What a settlement allocates may not pass its own amount. Its links count in the order of what
-- they settle, so that the same rows always name the same link.
create or replace temp table over_marks as
from book.link_marks where owner in (from book.overdrawn)
union
from book.link_marks where target in (from book.overdrawn);

create or replace temp view sound_marks as
from over_marks
anti join book.flawed_links as flawed using (row);

insert into book.flawed_links
with passed as (
    select owner
    from (select owner, sum(amount)::hugeint as total from sound_marks group by owner) as given
    join book.document_marks as whole on whole.key = owner
    where total > whole.amount
),
running as (
    select
        allocation.rowid as row,
        whole.amount as whole,
        whole.currency,
        sum(allocation.amount) over (
            partition by from_entity, from_external_id
            order by to_entity, to_external_id, allocation.rowid
        ) as so_far
    from book.allocations as allocation
    join sound_marks on sound_marks.row = allocation.rowid
    semi join passed on passed.owner = sound_marks.owner
    join book.document_marks as whole on whole.key = sound_marks.owner
)
select
    row,
    'over source',
    'brings what its source allocates to ' || money(so_far, currency) || ', over its '
        || money(whole, currency),
    'lower the allocations or correct the amount of what they come from',
    null
from running
where so_far > whole;

-- Nor may what settles a document pass its amount, in the order of the settlements' dates. A
-- payment or credit note that is refunded has less to refund by what it settles itself.
insert into book.flawed_links
with given as (
    select owner as key, sum(amount)::hugeint as total
    from sound_marks
    semi join (select target from sound_marks where from_kind = 'refund') as refunded
        on refunded.target = owner
    group by owner
),
passed as (
    select target, coalesce(any_value(given.total), 0) as given
    from (select target, sum(amount)::hugeint as total from sound_marks group by target) as taken
    join book.document_marks as whole on whole.key = target
    left join given on given.key = target
    where taken.total + coalesce(given.total, 0) > whole.amount
    group by target
),
over as (
    select
        allocation.*, allocation.rowid as row, whole.amount as whole, whole.currency, passed.given
    from book.allocations as allocation
    join sound_marks on sound_marks.row = allocation.rowid
    join passed on passed.target = sound_marks.target
    join book.document_marks as whole on whole.key = sound_marks.target
),
dates as (
    select placed.entity, placed.external_id, any_value(moment) as moment
    from book.placed as placed
    semi join over
        on over.from_entity = placed.entity and over.from_external_id = placed.external_id
    where placed.external_id in (select from_external_id from over)
    group by all
),
running as (
    select
        over.*,
        over.given + sum(over.amount) over (
            partition by to_entity, to_external_id
            order by dates.moment, from_entity, from_external_id, over.row
        ) as so_far
    from over
    left join dates on dates.entity = from_entity and dates.external_id = from_external_id
)
select
    row,
    'over target',
    'brings what settles its target to ' || money(so_far, currency) || ', over its '
        || money(whole, currency),
    'lower the allocations or correct the amount of what they settle',
    null
from running
where so_far > whole;
