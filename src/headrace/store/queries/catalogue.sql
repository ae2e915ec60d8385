-- insert --
INSERT INTO catalogue (organisation, entity, id, body) VALUES (?, ?, ?, ?)

-- by_id --
SELECT body FROM catalogue WHERE id = ? AND entity = ? AND organisation = ?

-- delete --
DELETE FROM catalogue WHERE id = ? AND entity = ? AND organisation = ?

-- used --
SELECT count(*) FROM (
    SELECT 1 FROM customer WHERE organisation = ? AND body LIKE ?
    UNION ALL SELECT 1 FROM document WHERE organisation = ? AND body LIKE ?
) user_of_it

-- first --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ? ORDER BY seq LIMIT ?

-- page_newest --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ?
ORDER BY seq DESC LIMIT ? OFFSET ?

-- page_oldest --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ?
ORDER BY seq LIMIT ? OFFSET ?
