-- The documents that are linked beyond their amounts, by numbers alone.
select key
from (
    select owner as key, amount
    from book.link_marks
    where amount > 0 /* narrowed: owner */
    union all
    select target, amount
    from book.link_marks
    where amount > 0 /* narrowed: target */
)
join (
    select key, min(amount) as whole
    from book.document_marks
    where true /* narrowed: key */
    group by key
) using (key)
group by key
having sum(amount) > any_value(whole)
