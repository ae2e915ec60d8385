-- An invoice that is due before it was issued is sent as it is: the API has no rule against it.
--
-- A day has no time of day, a moment has one in a zone that is no longer known here. So a moment
-- stands for every day that it is anywhere on earth, and due on the day of issue is fine.
-- Over: invoices where due_date < issued_at.
-- By record.
with days as (
    select
        external_id,
        issued_at,
        due_date,
        if(issued_at = date_trunc('day', issued_at), issued_at, issued_at - interval 12 hours)
            as earliest_issue,
        if(due_date = date_trunc('day', due_date), due_date, due_date + interval 14 hours)
            as latest_due
    from book.invoices
    where due_date < issued_at
)
select
    'warning',
    'invoice',
    external_id,
    'is due on ' || strftime(due_date, '%Y-%m-%d') || ', before it was issued on '
        || strftime(issued_at, '%Y-%m-%d'),
    'correct due_date or issued_at in the source; it is sent as it is'
from days
where date_trunc('day', latest_due) < date_trunc('day', earliest_issue);
