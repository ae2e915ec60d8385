-- The account of a customer with its children, or of one customer alone, as the portal shows it.
-- Parameters are the customer, and the parent of the others: 0, which nothing has, for one alone.
-- Columns are few, and most in an index: a customer may have very many documents.

-- members --
SELECT seq, id, external_id, name, accounting_ref FROM customer WHERE seq = ? OR parent = ?
ORDER BY parent IS NOT NULL, name, seq

-- open_columns --
d.entity, d.currency, d.amount, d.applied, d.due_date, d.mark, d.seq, d.dated

-- open --
SELECT {open_columns} FROM document d WHERE d.customer = ? AND d.applied < d.amount
UNION ALL
SELECT {open_columns} FROM document d JOIN customer c ON c.seq = d.customer
WHERE c.parent = ? AND d.applied < d.amount

-- open_texts --
SELECT d.seq, d.external_id, d.body, '' FROM document d
WHERE d.customer = ? AND d.entity = 'invoice' AND d.applied < d.amount
UNION ALL
SELECT d.seq, d.external_id, d.body, c.name FROM document d JOIN customer c ON c.seq = d.customer
WHERE c.parent = ? AND d.entity = 'invoice' AND d.applied < d.amount

-- whole_columns --
d.entity, d.currency, d.amount, d.applied, d.due_date, d.mark, d.seq,
coalesce(d.dated, d.created_at), d.external_id, d.body, d.id

-- whole --
SELECT {whole_columns}, '' FROM document d WHERE d.customer = ?
UNION ALL
SELECT {whole_columns}, c.name FROM document d JOIN customer c ON c.seq = d.customer
WHERE c.parent = ?

-- settled --
SELECT seq FROM (
    SELECT d.seq, coalesce(d.dated, d.created_at) AS day
    FROM document d WHERE d.customer = ? AND d.applied >= d.amount
    UNION ALL
    SELECT d.seq, coalesce(d.dated, d.created_at)
    FROM document d JOIN customer c ON c.seq = d.customer
    WHERE c.parent = ? AND d.applied >= d.amount
) settled
ORDER BY day DESC, seq DESC LIMIT ? OFFSET ?

-- count_settled --
SELECT count(*) FROM (
    SELECT 1 FROM document d WHERE d.customer = ? AND d.applied >= d.amount
    UNION ALL
    SELECT 1 FROM document d JOIN customer c ON c.seq = d.customer
    WHERE c.parent = ? AND d.applied >= d.amount
) settled
