-- columns --
SELECT c.seq, c.id, c.external_id, c.parent, p.id, p.external_id, c.name, c.accounting_ref,
    c.created_at, c.modified_at, c.contacts, c.body
FROM customer c
LEFT JOIN customer p ON p.seq = c.parent

-- sizes --
SELECT length(c.contacts) + length(c.body)
FROM customer c
LEFT JOIN customer p ON p.seq = c.parent

-- by_id --
{columns}
WHERE c.id = ? AND c.organisation = ?

-- by_external_id --
{columns}
WHERE c.external_id = ? AND c.organisation = ?

-- by_seq --
{columns}
WHERE c.seq = ?

-- page_newest --
{columns}
JOIN (SELECT seq FROM customer WHERE organisation = ? ORDER BY seq DESC LIMIT ? OFFSET ?) page
ON page.seq = c.seq
ORDER BY c.seq DESC

-- page_oldest --
{columns}
JOIN (SELECT seq FROM customer WHERE organisation = ? ORDER BY seq LIMIT ? OFFSET ?) page
ON page.seq = c.seq
ORDER BY c.seq

-- named --
SELECT seq FROM customer WHERE organisation = ? AND lower(name) LIKE ? ESCAPE '\' ORDER BY seq DESC

-- insert --
INSERT INTO customer (organisation, id, external_id, parent, name, accounting_ref, created_at,
    modified_at, contacts, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING seq

-- update --
UPDATE customer
SET external_id = ?, parent = ?, name = ?, accounting_ref = ?, modified_at = ?, contacts = ?,
    body = ?
WHERE seq = ?

-- update_body --
UPDATE customer SET body = ?, modified_at = ? WHERE seq = ?

-- update_contacts --
UPDATE customer SET contacts = ?, modified_at = ? WHERE seq = ?

-- delete --
DELETE FROM customer WHERE seq = ?

-- count_children --
SELECT count(*) FROM customer WHERE parent = ?

-- link_across --
SELECT s.entity, coalesce(s.external_id, s.id), t.entity, coalesce(t.external_id, t.id)
FROM document d
JOIN allocation a ON a.source = d.seq
JOIN document s ON s.seq = a.source
JOIN document t ON t.seq = a.target
WHERE d.customer = ? AND t.customer <> ?
UNION ALL
SELECT s.entity, coalesce(s.external_id, s.id), t.entity, coalesce(t.external_id, t.id)
FROM document d
JOIN allocation a ON a.target = d.seq
JOIN document s ON s.seq = a.source
JOIN document t ON t.seq = a.target
WHERE d.customer = ? AND s.customer <> ?
LIMIT 1

-- open_columns --
d.entity, d.currency, d.amount, d.applied, d.due_date, d.mark

-- open_documents_of_page --
SELECT c.seq, {open_columns}
FROM customer c
JOIN document d ON d.customer = c.seq AND d.applied < d.amount
WHERE c.organisation = ? AND c.seq BETWEEN ? AND ?
UNION ALL
SELECT c.parent, {open_columns}
FROM customer c
JOIN document d ON d.customer = c.seq AND d.applied < d.amount
-- The sign keeps SQLite from going through all customers of the organisation.
WHERE +c.organisation = ? AND c.parent BETWEEN ? AND ?
