-- columns --
SELECT a.id, a.body, c.id, c.external_id, c.name, c.accounting_ref,
    d.id, d.external_id, d.body
FROM action a
LEFT JOIN customer c ON c.seq = a.customer
LEFT JOIN document d ON d.seq = a.invoice

-- insert --
INSERT INTO action (organisation, id, customer, invoice, body) VALUES (?, ?, ?, ?, ?)

-- sizes --
SELECT length(a.body) + coalesce(length(d.body), 0)
FROM action a
LEFT JOIN customer c ON c.seq = a.customer
LEFT JOIN document d ON d.seq = a.invoice

-- by_id --
{columns}
WHERE a.id = ? AND a.organisation = ?

-- page_newest --
{columns}
JOIN (SELECT seq FROM action WHERE organisation = ? ORDER BY seq DESC LIMIT ? OFFSET ?) page
ON page.seq = a.seq
ORDER BY a.seq DESC

-- page_oldest --
{columns}
JOIN (SELECT seq FROM action WHERE organisation = ? ORDER BY seq LIMIT ? OFFSET ?) page
ON page.seq = a.seq
ORDER BY a.seq

-- page_of_customer_newest --
{columns}
WHERE a.customer = ? ORDER BY a.seq DESC LIMIT ? OFFSET ?

-- page_of_customer_oldest --
{columns}
WHERE a.customer = ? ORDER BY a.seq LIMIT ? OFFSET ?

-- of_invoice --
SELECT seq, body FROM action WHERE invoice = ?

-- update --
UPDATE action SET body = ? WHERE seq = ?

-- delete_of_customer --
DELETE FROM action WHERE customer = ?

-- forget_invoice --
UPDATE action SET invoice = NULL WHERE invoice = ?
