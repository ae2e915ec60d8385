-- What must hold in a hub's database. Each statement finds what does not: the organisation, the
-- thing, and two facts that the sentence of `store/admin/check.py` shows. Sums of amounts are taken
-- of their upper and lower halves apart: amounts may be so large that SQLite's sum would overflow.

-- amounts --
SELECT o.name, replace(d.entity, '_', ' ') || ' ' || coalesce(d.external_id, d.id),
    d.applied, d.amount
FROM document d
LEFT JOIN organisation o ON o.seq = d.organisation
WHERE d.amount < 0 OR d.applied < 0 OR d.applied > d.amount

-- applied --
SELECT o.name, replace(d.entity, '_', ' ') || ' ' || coalesce(d.external_id, d.id),
    d.applied, d.applied + s.upper * 4294967296 + s.lower
FROM (
    SELECT document, sum(change / 4294967296) AS upper, sum(change % 4294967296) AS lower
    FROM (
        SELECT seq AS document, -applied AS change FROM document
        UNION ALL SELECT source, amount FROM allocation
        UNION ALL SELECT target, amount FROM allocation
    ) change
    GROUP BY document
) s
JOIN document d ON d.seq = s.document
LEFT JOIN organisation o ON o.seq = d.organisation
WHERE s.upper * 4294967296 + s.lower <> 0

-- owners --
SELECT o.name, replace(d.entity, '_', ' ') || ' ' || coalesce(d.external_id, d.id),
    d.customer, c.organisation
FROM document d
LEFT JOIN customer c ON c.seq = d.customer
LEFT JOIN organisation o ON o.seq = d.organisation
WHERE c.organisation IS NULL OR c.organisation <> d.organisation OR o.seq IS NULL

-- link_ends --
SELECT coalesce(o.name, p.name), 'link ' || a.seq, a.source, a.target
FROM allocation a
LEFT JOIN document s ON s.seq = a.source
LEFT JOIN document t ON t.seq = a.target
LEFT JOIN organisation o ON o.seq = s.organisation
LEFT JOIN organisation p ON p.seq = t.organisation
WHERE s.seq IS NULL OR t.seq IS NULL OR a.amount <= 0 OR s.organisation <> t.organisation

-- link_pairs --
SELECT o.name, replace(s.entity, '_', ' ') || ' ' || coalesce(s.external_id, s.id),
    replace(t.entity, '_', ' ') || ' ' || coalesce(t.external_id, t.id),
    s.currency || ' and ' || t.currency
FROM allocation a
JOIN document s ON s.seq = a.source
JOIN document t ON t.seq = a.target
LEFT JOIN customer cs ON cs.seq = s.customer
LEFT JOIN customer ct ON ct.seq = t.customer
LEFT JOIN organisation o ON o.seq = s.organisation
WHERE s.currency <> t.currency
    OR NOT (t.entity = 'invoice' AND s.entity IN ('payment', 'credit_note')
        OR t.entity IN ('payment', 'credit_note') AND s.entity = 'refund')
    OR coalesce(cs.parent, s.customer) <> coalesce(ct.parent, t.customer)

-- balances --
SELECT o.name, 'all documents in ' || b.currency, b.upper * 4294967296 + b.lower, NULL
FROM (
    SELECT organisation, currency, sum(change / 4294967296) AS upper,
        sum(change % 4294967296) AS lower
    FROM (
        SELECT organisation, currency,
            CASE WHEN entity IN ('invoice', 'refund') THEN applied ELSE -applied END AS change
        FROM document
    ) d
    GROUP BY organisation, currency
) b
LEFT JOIN organisation o ON o.seq = b.organisation
WHERE b.upper * 4294967296 + b.lower <> 0

-- parents --
SELECT o.name, 'customer ' || coalesce(c.external_id, c.id), p.external_id, p.parent
FROM customer c
LEFT JOIN customer p ON p.seq = c.parent
LEFT JOIN organisation o ON o.seq = c.organisation
WHERE c.parent IS NOT NULL
    AND (p.seq IS NULL OR p.organisation <> c.organisation OR p.parent IS NOT NULL)

-- homes --
SELECT NULL, 'customer ' || coalesce(c.external_id, c.id), c.organisation, NULL
FROM customer c
LEFT JOIN organisation o ON o.seq = c.organisation
WHERE o.seq IS NULL

-- counted_documents --
SELECT o.name, 'customer ' || coalesce(c.external_id, c.id, 'number ' || t.customer)
        || ', ' || replace(t.entity, '_', ' ') || 's in ' || t.currency, t.kept, t.counted
FROM (
    SELECT organisation, customer, entity, currency, sum(kept) AS kept, sum(counted) AS counted
    FROM (
        SELECT organisation, customer, entity, currency, total AS kept, 0 AS counted
        FROM counter WHERE customer > 0
        UNION ALL SELECT organisation, customer, entity, currency, 0, 1 FROM document
    ) one
    GROUP BY organisation, customer, entity, currency
    HAVING sum(kept) <> sum(counted)
) t
LEFT JOIN customer c ON c.seq = t.customer
LEFT JOIN organisation o ON o.seq = t.organisation

-- counted_beside --
SELECT o.name, 'customer ' || coalesce(c.external_id, c.id, 'number ' || t.customer)
        || ', ' || t.entity || 's', t.kept, t.counted
FROM (
    SELECT organisation, customer, entity, sum(kept) AS kept, sum(counted) AS counted
    FROM (
        SELECT organisation, -customer AS customer, entity, total AS kept, 0 AS counted
        FROM counter WHERE customer < 0
        UNION ALL
        SELECT c.organisation, n.customer, 'note', 0, 1
        FROM note n JOIN customer c ON c.seq = n.customer
        UNION ALL
        SELECT organisation, customer, 'action', 0, 1 FROM action WHERE customer IS NOT NULL
    ) one
    GROUP BY organisation, customer, entity
    HAVING sum(kept) <> sum(counted)
) t
LEFT JOIN customer c ON c.seq = t.customer
LEFT JOIN organisation o ON o.seq = t.organisation

-- counted_in_all --
SELECT o.name, 'all ' || replace(t.entity, '_', ' ') || 's', t.kept, t.counted
FROM (
    SELECT organisation, entity, sum(kept) AS kept, sum(counted) AS counted
    FROM (
        SELECT organisation, entity, total AS kept, 0 AS counted FROM counter
        WHERE customer = 0 AND entity <> 'large'
        UNION ALL SELECT organisation, entity, 0, count(*) FROM document GROUP BY 1, 2
        UNION ALL SELECT organisation, 'customer', 0, count(*) FROM customer GROUP BY 1
        UNION ALL SELECT organisation, 'action', 0, count(*) FROM action GROUP BY 1
        UNION ALL SELECT organisation, 'custom_field', 0, count(*) FROM custom_field GROUP BY 1
        UNION ALL SELECT organisation, entity, 0, count(*) FROM catalogue GROUP BY 1, 2
    ) one
    GROUP BY organisation, entity
    HAVING sum(kept) <> sum(counted)
) t
LEFT JOIN organisation o ON o.seq = t.organisation

-- counted_labels --
SELECT o.name, 'custom field ' || coalesce(f.external_id, f.id) || ', ' || k.key,
    k.total, coalesce(v.counted, 0)
FROM custom_key k
LEFT JOIN (SELECT key, count(*) AS counted FROM custom_value GROUP BY key) v ON v.key = k.seq
LEFT JOIN custom_field f ON f.seq = k.field
LEFT JOIN organisation o ON o.seq = f.organisation
WHERE k.total <> coalesce(v.counted, 0)

-- values --
SELECT o.name, 'custom field ' || coalesce(f.external_id, f.id, 'number ' || v.field), v.owner,
    f.entity
FROM custom_value v
LEFT JOIN custom_field f ON f.seq = v.field
LEFT JOIN organisation o ON o.seq = f.organisation
LEFT JOIN customer c ON f.entity = 'CUSTOMER' AND c.seq = v.owner
LEFT JOIN document d ON f.entity <> 'CUSTOMER' AND d.seq = v.owner
WHERE f.seq IS NULL OR coalesce(c.organisation, d.organisation, 0) <> f.organisation

-- pdfs --
SELECT o.name, replace(d.entity, '_', ' ') || ' ' || coalesce(d.external_id, d.id), d.pdf,
    f.doomed_at
FROM document d
LEFT JOIN pdf_file f ON f.id = d.pdf
LEFT JOIN organisation o ON o.seq = d.organisation
WHERE d.pdf IS NOT NULL AND (f.id IS NULL OR f.doomed_at IS NOT NULL OR f.keep_until IS NOT NULL)

-- contacts --
SELECT o.name, coalesce(c.external_id, c.id), c.contacts
FROM customer c
LEFT JOIN organisation o ON o.seq = c.organisation
WHERE c.contacts <> '[]'
