-- reserve --
INSERT INTO pdf_file (id, digest, size, keep_until) VALUES (?, ?, ?, ?)
ON CONFLICT (digest) WHERE doomed_at IS NULL DO UPDATE
SET keep_until = CASE WHEN pdf_file.keep_until IS NULL THEN NULL ELSE excluded.keep_until END
RETURNING id, keep_until

-- digest --
SELECT digest FROM pdf_file WHERE id = ?

-- keep --
UPDATE pdf_file SET keep_until = NULL WHERE id = ? AND doomed_at IS NULL

-- attach --
UPDATE document SET pdf = ?, modified_at = ? WHERE seq = ?

-- release --
UPDATE pdf_file SET keep_until = ''
WHERE id = ? AND NOT EXISTS (SELECT 1 FROM document WHERE pdf = pdf_file.id)

-- doom --
UPDATE pdf_file SET doomed_at = ?
WHERE keep_until <= ? AND doomed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM document WHERE pdf = pdf_file.id)

-- doomed --
SELECT id, digest FROM pdf_file WHERE doomed_at IS NOT NULL LIMIT ?

-- forget --
DELETE FROM pdf_file WHERE id = ?

-- of_document --
SELECT f.id, f.digest, f.size, d.external_id, d.body, o.seq, o.name, o.currency, o.time_zone,
    o.secret, o.clock
FROM document d
JOIN pdf_file f ON f.id = d.pdf
JOIN organisation o ON o.seq = d.organisation
WHERE d.id = ?

-- of_organisation --
SELECT DISTINCT pdf FROM document WHERE organisation = ? AND pdf IS NOT NULL

-- used --
SELECT id, digest FROM pdf_file WHERE id IN (SELECT pdf FROM document WHERE pdf IS NOT NULL)
ORDER BY id

-- all --
SELECT id, digest FROM pdf_file

-- rename_file --
UPDATE pdf_file SET id = ? WHERE id = ?

-- rename_reference --
UPDATE document SET pdf = ? WHERE pdf = ?
