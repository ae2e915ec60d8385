-- by_external_id --
SELECT seq FROM reconciliation WHERE organisation = ? AND external_id = ?

-- insert --
INSERT INTO reconciliation (organisation, external_id) VALUES (?, ?) RETURNING seq

-- links --
SELECT source, target, amount FROM allocation WHERE reconciliation = ?

-- delete_links --
DELETE FROM allocation WHERE reconciliation = ?

-- delete --
DELETE FROM reconciliation WHERE seq = ?
