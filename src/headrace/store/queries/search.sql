-- Lists of people, page by page. A page goes through an index in its order, from the row after the
-- last one of the page before. KEY is the expression that the list is ordered by, and SIGN the
-- comparison of its direction. NARROW are conditions that an index answers; CONDITIONS are those
-- that rows are looked at for, of which a page looks at a bounded number.

-- Rows are looked at inside of the steps, and nothing is joined to them: PostgreSQL would rather go
-- through the other table as a whole.

-- document_columns --
seq, KEY AS place, external_id, body, customer, currency, amount, applied, dated, due_date, mark

-- document_steps --
SELECT {document_columns} FROM document
WHERE organisation = ? AND entity = ? NARROW
ORDER BY KEY DIRECTION, seq DIRECTION LIMIT ?

-- document_steps_of_customer --
SELECT {document_columns} FROM document
WHERE customer = ? AND entity = ? NARROW
ORDER BY KEY DIRECTION, seq DIRECTION LIMIT ?

-- customer_steps --
SELECT seq, KEY AS place, external_id, name, accounting_ref, contacts FROM customer
WHERE organisation = ? NARROW
ORDER BY KEY DIRECTION, seq DIRECTION LIMIT ?

-- name_of_customer --
(SELECT c.name FROM customer c WHERE c.seq = d.customer)

-- documents --
SELECT d.seq, d.place, d.external_id, d.body, {name_of_customer}
FROM (STEPS) d
WHERE 1 = 1 CONDITIONS
ORDER BY d.place DIRECTION, d.seq DIRECTION LIMIT ?

-- customers --
SELECT c.seq, c.place
FROM (STEPS) c
WHERE 1 = 1 CONDITIONS
ORDER BY c.place DIRECTION, c.seq DIRECTION LIMIT ?

-- edge --
-- The last row that a page looks at; none when the list ends before.
SELECT seq, place FROM (STEPS) p ORDER BY place DIRECTION, seq DIRECTION LIMIT 1 OFFSET ?

-- after --
AND (KEY, seq) SIGN (?, ?)

-- after_seq --
AND seq SIGN ?

-- narrow_open --
AND applied < amount

-- narrow_overdue --
AND applied < amount AND coalesce(due_date, '') > '' AND coalesce(due_date, '') < ?

-- narrow_mark --
AND mark = ?

-- narrow_days --
AND coalesce(dated, '') >= ? AND coalesce(dated, '') < ?

-- where_open --
AND d.applied < d.amount AND (d.mark IS NULL OR d.mark = 'DISPUTED')

-- where_due --
AND d.applied < d.amount AND d.mark IS NULL
AND (d.due_date IS NULL OR substr(d.due_date, 1, 10) >= ?)

-- where_overdue --
AND d.applied < d.amount AND d.mark IS NULL AND substr(d.due_date, 1, 10) < ?

-- where_settled --
AND d.applied = d.amount AND (d.mark IS NULL OR d.mark = 'DISPUTED')

-- where_disputed --
AND d.applied < d.amount

-- where_mark --
AND d.mark = ?

-- where_currency --
AND d.currency = ?

-- where_days --
AND coalesce(d.dated, '') >= ? AND coalesce(d.dated, '') < ?

-- where_text --
AND (lower(d.external_id) LIKE ? ESCAPE '\' OR lower(d.body) LIKE ? ESCAPE '\'
    OR lower({name_of_customer}) LIKE ? ESCAPE '\')

-- where_named --
AND (lower(c.name) LIKE ? ESCAPE '\' OR lower(c.external_id) LIKE ? ESCAPE '\'
    OR lower(c.accounting_ref) LIKE ? ESCAPE '\')

-- where_mailed --
AND lower(c.contacts) LIKE ? ESCAPE '\'

-- where_owing --
AND (SELECT 1 FROM document d WHERE d.customer = c.seq AND d.entity = 'invoice'
    AND d.applied < d.amount AND (d.mark IS NULL OR d.mark = 'DISPUTED') LIMIT 1) = 1

-- where_late --
AND (SELECT 1 FROM document d WHERE d.customer = c.seq AND d.entity = 'invoice'
    AND d.applied < d.amount AND (d.mark IS NULL OR d.mark = 'DISPUTED')
    AND substr(d.due_date, 1, 10) < ? LIMIT 1) = 1

-- where_unapplied --
AND (SELECT 1 FROM document d WHERE d.customer = c.seq
    AND d.entity IN ('payment', 'credit_note') AND d.applied < d.amount LIMIT 1) = 1

-- document_ids --
SELECT seq FROM document WHERE id = ? AND entity = ? AND organisation = ?
UNION ALL
SELECT seq FROM (
    SELECT seq FROM document WHERE organisation = ? AND entity = ?
        AND external_id >= ? AND external_id < ?
    ORDER BY external_id LIMIT ?
) named
UNION ALL
SELECT seq FROM (
    SELECT seq FROM document WHERE organisation = ? AND entity = ? AND number >= ? AND number < ?
    ORDER BY number LIMIT ?
) numbered

-- customer_ids --
SELECT seq FROM customer WHERE id = ? AND organisation = ?
UNION ALL
SELECT seq FROM (
    SELECT seq FROM customer WHERE organisation = ? AND external_id >= ? AND external_id < ?
    ORDER BY external_id LIMIT ?
) named

-- family_documents --
SELECT d.id, d.amount, d.mark, CASE WHEN d.modified_at > ? THEN 1 ELSE 0 END
FROM document d JOIN customer c ON c.seq = d.customer
WHERE c.seq = ? OR c.parent = ?

-- open_groups --
-- What a customer and its children have open. Few rows, however many documents there are; sums are
-- taken of upper and lower halves apart, lest those of large amounts overflow.
SELECT d.entity, d.currency, d.mark, CASE WHEN substr(d.due_date, 1, 10) < ? THEN 1 ELSE 0 END,
    count(*), sum(d.amount / 4294967296), sum(d.amount % 4294967296),
    sum(d.applied / 4294967296), sum(d.applied % 4294967296)
FROM (SELECT seq FROM customer WHERE seq = ? UNION ALL SELECT seq FROM customer WHERE parent = ?) c
JOIN document d ON d.customer = c.seq AND d.applied < d.amount
GROUP BY 1, 2, 3, 4
