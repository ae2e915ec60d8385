-- An invoice can't be due before it was issued.
select
    'error',
    'invoice',
    external_id,
    'is due on ' || strftime(due_date, '%Y-%m-%d') || ', before it was issued on '
        || strftime(issued_at, '%Y-%m-%d'),
    'correct due_date or issued_at in the source'
from book.invoices
where due_date < date_trunc('day', issued_at);
