-- insert --
INSERT INTO catalogue (organisation, entity, id, body) VALUES (?, ?, ?, ?)

-- by_id --
SELECT body FROM catalogue WHERE id = ? AND entity = ? AND organisation = ?

-- first --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ? ORDER BY seq LIMIT ?

-- page_newest --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ?
ORDER BY seq DESC LIMIT ? OFFSET ?

-- page_oldest --
SELECT body FROM catalogue WHERE entity = ? AND organisation = ?
ORDER BY seq LIMIT ? OFFSET ?
