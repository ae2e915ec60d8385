-- Figures of a whole organisation. They go through the customers, whose open documents are in an
-- index; sums are grouped so far that few rows leave the database. Sums of amounts are taken of
-- their upper and lower halves apart: amounts may be so large that SQLite's sum would overflow.

-- open --
SELECT d.entity, d.currency, sum(d.amount / 4294967296), sum(d.amount % 4294967296),
    sum(d.applied / 4294967296), sum(d.applied % 4294967296), substr(d.due_date, 1, 10), d.mark
FROM customer c
JOIN document d ON d.customer = c.seq AND d.applied < d.amount
WHERE c.organisation = ?
GROUP BY d.entity, d.currency, substr(d.due_date, 1, 10), d.mark

-- debtors --
SELECT f.id, f.external_id, f.name, t.upper, t.lower
FROM (
    SELECT family, sum(owed / 4294967296) AS upper, sum(owed % 4294967296) AS lower
    FROM (
        SELECT coalesce(c.parent, c.seq) AS family,
            CASE WHEN d.entity IN ('invoice', 'refund') THEN d.amount - d.applied
                ELSE d.applied - d.amount END AS owed
        FROM customer c
        JOIN document d ON d.customer = c.seq AND d.applied < d.amount
        WHERE c.organisation = ? AND d.currency = ?
            AND (d.mark IS NULL OR d.mark NOT IN ('VOIDED', 'WRITTEN_OFF'))
    ) one
    GROUP BY family
    ORDER BY sum(owed / 4294967296.0) DESC, family LIMIT ?
) t
JOIN customer f ON f.seq = t.family
ORDER BY t.upper + t.lower / 4294967296.0 DESC, f.seq

-- sales --
SELECT currency, substr(dated, 1, 7), sum(amount / 4294967296), sum(amount % 4294967296)
FROM document
WHERE organisation = ? AND entity = 'invoice' AND dated >= ? AND dated < ?
    AND (mark IS NULL OR mark NOT IN ('VOIDED', 'WRITTEN_OFF'))
GROUP BY currency, substr(dated, 1, 7)

-- payments --
SELECT currency, count(*), sum(amount / 4294967296), sum(amount % 4294967296)
FROM document
WHERE organisation = ? AND entity = 'payment' AND dated >= ? AND dated < ?
GROUP BY currency
