-- insert --
INSERT INTO note (customer, id, created_at, content) VALUES (?, ?, ?, ?)

-- page_newest --
SELECT id, created_at, content FROM note WHERE customer = ? ORDER BY seq DESC LIMIT ? OFFSET ?

-- page_oldest --
SELECT id, created_at, content FROM note WHERE customer = ? ORDER BY seq LIMIT ? OFFSET ?

-- delete --
DELETE FROM note WHERE id = ? AND customer = ?

-- delete_of_customer --
DELETE FROM note WHERE customer = ?
