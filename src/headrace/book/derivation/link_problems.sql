-- By name: what they would have settled stays open.
insert into book.problems
select
    if(flaw = 'lost', 'warning', 'error'),
    'link',
    from_entity || ' ' || from_external_id || ' → ' || to_entity || ' ' || to_external_id,
    problem,
    remedy
from book.flawed_links as flawed
join book.allocations as allocation on allocation.rowid = flawed.row
where problem is not null;

create or replace table book.judged_links as
select distinct row from book.flawed_links;
