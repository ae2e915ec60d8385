-- own --
SELECT a.seq, a.target, t.entity, a.amount
FROM allocation a
JOIN document t ON t.seq = a.target
WHERE a.source = ? AND a.reconciliation IS NULL

-- touching --
SELECT a.amount, s.seq, s.entity, coalesce(s.external_id, s.id), t.seq
FROM allocation a
JOIN document s ON s.seq = a.source
JOIN document t ON t.seq = a.target
WHERE a.source = ?
UNION ALL
SELECT a.amount, s.seq, s.entity, coalesce(s.external_id, s.id), t.seq
FROM allocation a
JOIN document s ON s.seq = a.source
JOIN document t ON t.seq = a.target
WHERE a.target = ?

-- insert --
INSERT INTO allocation (source, target, amount, reconciliation) VALUES (?, ?, ?, ?)

-- delete --
DELETE FROM allocation WHERE seq = ?

-- delete_touching --
DELETE FROM allocation WHERE source = ? OR target = ?

-- payments_of_invoice --
SELECT a.target, a.amount, s.dated, s.body
FROM allocation a
JOIN document s ON s.seq = a.source
WHERE a.target = ? AND s.entity = 'payment'
ORDER BY a.seq

-- payments_of_page --
SELECT a.target, a.amount, s.dated, s.body
FROM document d
JOIN allocation a ON a.target = d.seq
JOIN document s ON s.seq = a.source
WHERE d.entity = 'invoice' AND d.organisation = ? AND d.seq BETWEEN ? AND ?
    AND s.entity = 'payment'
ORDER BY a.seq

-- target_columns --
SELECT a.source, a.amount, t.entity, t.currency, t.amount, t.applied, t.due_date, t.mark,
    t.id, t.external_id, t.customer, NULL, t.dated, t.body,
    (SELECT max(s.dated) FROM allocation b JOIN document s ON s.seq = b.source
     WHERE b.target = t.seq)
FROM allocation a
JOIN document t ON t.seq = a.target

-- targets_of_document --
{target_columns}
WHERE a.source = ?
ORDER BY a.seq

-- targets_of_page --
{target_columns}
JOIN document d ON d.seq = a.source
WHERE d.entity = ? AND d.organisation = ? AND d.seq BETWEEN ? AND ?
ORDER BY a.seq

-- of_neighbours --
SELECT a.amount, a.source, a.target, r.external_id
FROM (
    SELECT seq, amount, source, target, reconciliation FROM allocation WHERE source = ?
    UNION ALL
    SELECT seq, amount, source, target, reconciliation FROM allocation WHERE target = ?
) a
LEFT JOIN reconciliation r ON r.seq = a.reconciliation
ORDER BY a.seq LIMIT ?

-- count_of_neighbours --
SELECT (SELECT count(*) FROM allocation WHERE source = ?)
    + (SELECT count(*) FROM allocation WHERE target = ?)
