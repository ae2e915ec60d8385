-- columns --
SELECT d.entity, d.currency, d.amount, d.applied, d.due_date, d.mark,
    d.id, d.external_id, d.customer, c.parent, d.seq, d.dated, d.created_at, d.modified_at, d.body,
    d.pdf, c.id, c.external_id, c.name, c.accounting_ref
FROM document d
JOIN customer c ON c.seq = d.customer

-- sizes --
SELECT length(d.body)
FROM document d
JOIN customer c ON c.seq = d.customer

-- by_id --
{columns}
WHERE d.id = ? AND d.entity = ? AND d.organisation = ?

-- by_external_id --
{columns}
WHERE d.external_id = ? AND d.entity = ? AND d.organisation = ?

-- by_seq --
{columns}
WHERE d.seq = ?

-- page_newest --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND organisation = ?
    ORDER BY seq DESC LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.seq DESC

-- page_oldest --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND organisation = ?
    ORDER BY seq LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.seq

-- page_of_customer_newest --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND customer = ?
    ORDER BY seq DESC LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.seq DESC

-- page_of_customer_oldest --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND customer = ?
    ORDER BY seq LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.seq

-- sorted_page --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND organisation = ? CONDITIONS
    ORDER BY COLUMN IS NULL, COLUMN DIRECTION, seq DIRECTION LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.COLUMN IS NULL, d.COLUMN DIRECTION, d.seq DIRECTION

-- sorted_page_of_customer --
{columns}
JOIN (
    SELECT seq FROM document WHERE entity = ? AND customer = ? CONDITIONS
    ORDER BY COLUMN IS NULL, COLUMN DIRECTION, seq DIRECTION LIMIT ? OFFSET ?
) page ON page.seq = d.seq
ORDER BY d.COLUMN IS NULL, d.COLUMN DIRECTION, d.seq DIRECTION

-- total --
SELECT count(*) FROM document WHERE entity = ? AND organisation = ? CONDITIONS

-- total_of_customer --
SELECT count(*) FROM document WHERE entity = ? AND customer = ? CONDITIONS

-- where_days --
AND substr(dated, 1, 10) BETWEEN ? AND ?

-- open_of_family --
{columns}
WHERE d.customer = ? AND d.applied < d.amount
UNION ALL
{columns}
WHERE c.parent = ? AND d.applied < d.amount

-- insert --
INSERT INTO document (organisation, entity, id, external_id, customer, currency, amount, dated,
    due_date, created_at, modified_at, body, number)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING seq

-- update --
UPDATE document
SET external_id = ?, customer = ?, currency = ?, amount = ?, dated = ?, due_date = ?,
    modified_at = ?, body = ?, number = ?
WHERE seq = ?

-- amend --
UPDATE document SET amount = ?, dated = ?, due_date = ?, modified_at = ?, body = ?, number = ?
WHERE seq = ?

-- set_mark --
UPDATE document SET mark = ?, modified_at = ? WHERE seq = ?

-- apply --
UPDATE document SET applied = applied + ? WHERE seq = ?

-- delete --
DELETE FROM document WHERE seq = ?

-- whole_customer --
SELECT entity, id FROM document WHERE customer = ? ORDER BY seq
