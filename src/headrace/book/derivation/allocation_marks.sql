-- Whether any link of a settlement changed, by numbers that stand for names: grouping and joining
-- by numbers is several times cheaper than by text.
with travelling as (
    select owner, target, amount
    from (
        select owner, target, amount
        from book.link_marks
        anti join book.flawed_links as flawed using (row)
        where true /* narrowed: owner */
        union all
        select
            hash('payment', external_id) as owner, hash('invoice', invoice_external_id), amount
        from book.settled
        where true /* narrowed: owner */
    )
    anti join (
        select
            hash(from_entity, from_external_id) as owner,
            hash(to_entity, to_external_id) as target
        from book.waiting_links
    ) as waiting using (owner, target)
    union all
    select
        hash(from_entity, from_external_id) as owner, hash(to_entity, to_external_id), amount
    from book.pinned_links
    where true /* narrowed: owner */
)
select owner as key, sum(hash(target, amount)) as mark
from travelling
group by owner
