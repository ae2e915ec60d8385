-- The API takes a credit note without a date, and can then place it in no period.
-- Over: credit_notes where issued_at is null.
-- By record.
select
    'warning',
    'credit_note',
    coalesce(external_id, '?'),
    'has no issued_at, so it counts in no period',
    'write the day on which it was booked as issued_at in models/credit_notes.sql'
from book.credit_notes
where issued_at is null and issued_at__raw is null;
