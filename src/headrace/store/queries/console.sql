-- insert_user --
INSERT INTO console_user (email, password, created_at) VALUES (?, ?, ?)
ON CONFLICT (email) DO UPDATE SET password = excluded.password
RETURNING seq

-- user --
SELECT seq, email, password FROM console_user WHERE email = ?

-- users --
SELECT seq, email, created_at, last_seen_at, limited FROM console_user ORDER BY email

-- access_of --
SELECT o.name FROM console_access a JOIN organisation o ON o.seq = a.organisation
WHERE a.person = ? ORDER BY o.name

-- delete_access_of --
DELETE FROM console_access WHERE person IN (SELECT seq FROM console_user WHERE email = ?)

-- set_limited --
UPDATE console_user SET limited = ? WHERE email = ? RETURNING seq

-- insert_access --
INSERT INTO console_access (person, organisation) VALUES (?, ?) ON CONFLICT DO NOTHING

-- may_enter --
SELECT 1 FROM console_access WHERE person = ? AND organisation = ?

-- delete_user --
DELETE FROM console_user WHERE email = ?

-- seen --
UPDATE console_user SET last_seen_at = ? WHERE seq = ?

-- insert_session --
INSERT INTO console_session (id, person, created_at, last_at) VALUES (?, ?, ?, ?)

-- session --
SELECT u.seq, u.email, u.limited, s.created_at, s.last_at
FROM console_session s
JOIN console_user u ON u.seq = s.person
WHERE s.id = ?

-- touch_session --
UPDATE console_session SET last_at = ? WHERE id = ?

-- delete_session --
DELETE FROM console_session WHERE id = ?

-- delete_sessions_of --
DELETE FROM console_session WHERE person IN (SELECT seq FROM console_user WHERE email = ?)

-- delete_old_sessions --
DELETE FROM console_session WHERE created_at < ? OR last_at < ?

-- delete_all_sessions --
DELETE FROM console_session

-- attempts --
SELECT failures, until FROM console_attempt WHERE name = ? AND until > ?

-- note_failure --
INSERT INTO console_attempt (name, failures, until) VALUES (?, 1, ?)
ON CONFLICT (name) DO UPDATE SET
    failures = CASE WHEN console_attempt.until > ? THEN console_attempt.failures + 1 ELSE 1 END,
    until = excluded.until

-- delete_attempts --
DELETE FROM console_attempt WHERE name = ? OR until <= ?

-- organisations --
SELECT o.name, o.currency, o.clock,
    coalesce(sum(CASE WHEN n.entity = 'customer' THEN n.total END), 0),
    coalesce(sum(CASE WHEN n.entity = 'invoice' THEN n.total END), 0)
FROM organisation o
LEFT JOIN counter n ON n.organisation = o.seq AND n.customer = 0
WHERE ? = 0 OR o.seq IN (SELECT organisation FROM console_access WHERE person = ?)
GROUP BY o.seq, o.name, o.currency, o.clock
ORDER BY o.name
