-- insert --
INSERT INTO portal_link (id, organisation, customer, token_hash, frame_ancestors, created_at,
    expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- by_id --
SELECT l.token_hash, l.frame_ancestors, l.expires_at, l.revoked_at, c.id,
    o.seq, o.name, o.currency, o.time_zone, o.secret, o.clock
FROM portal_link l
JOIN customer c ON c.seq = l.customer
JOIN organisation o ON o.seq = l.organisation
WHERE l.id = ?

-- revoke_of_customer --
UPDATE portal_link SET revoked_at = ? WHERE customer = ? AND revoked_at IS NULL

-- delete_of_customer --
DELETE FROM portal_link WHERE customer = ?

-- link_columns --
SELECT l.id, c.id, c.external_id, c.name, c.accounting_ref, l.frame_ancestors, l.created_at,
    l.expires_at, l.revoked_at
FROM portal_link l
JOIN customer c ON c.seq = l.customer

-- links_of_organisation --
{link_columns}
WHERE l.organisation = ? ORDER BY l.id DESC LIMIT ?

-- links_of_customer --
{link_columns}
WHERE l.customer = ? ORDER BY l.id DESC LIMIT ?

-- link --
{link_columns}
WHERE l.id = ?

-- revoke --
UPDATE portal_link SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND organisation = ?

-- note_visit --
INSERT INTO portal_visit (link, day, what, total, last_at) VALUES (?, ?, ?, 1, ?)
ON CONFLICT (link, day, what)
DO UPDATE SET total = portal_visit.total + 1, last_at = excluded.last_at

-- visits --
SELECT day, what, total, last_at FROM portal_visit WHERE link = ? ORDER BY day DESC, what LIMIT ?

-- delete_visits_of_customer --
DELETE FROM portal_visit WHERE link IN (SELECT id FROM portal_link WHERE customer = ?)

-- settings --
SELECT body FROM portal_settings WHERE organisation = ?

-- set_settings --
INSERT INTO portal_settings (organisation, body) VALUES (?, ?)
ON CONFLICT (organisation) DO UPDATE SET body = excluded.body

-- file_columns --
SELECT id, name, size, created_at FROM portal_file

-- files --
{file_columns} WHERE organisation = ? ORDER BY seq

-- file --
{file_columns} WHERE id = ? AND organisation = ?

-- file_content --
SELECT name, content FROM portal_file WHERE id = ? AND organisation = ?

-- insert_file --
INSERT INTO portal_file (organisation, id, name, size, created_at, content)
VALUES (?, ?, ?, ?, ?, ?)

-- delete_file --
DELETE FROM portal_file WHERE id = ? AND organisation = ?

-- answer_columns --
SELECT a.id, a.kind, d.id, d.external_id, d.body, c.id, c.external_id, c.name, c.accounting_ref,
    a.reason, a.comment, a.promised_for, a.created_at, a.settled_at
FROM portal_answer a
JOIN document d ON d.seq = a.invoice
JOIN customer c ON c.seq = d.customer

-- answers --
{answer_columns}
WHERE a.organisation = ? ORDER BY a.seq DESC LIMIT ?

-- answer --
{answer_columns}
WHERE a.id = ? AND a.organisation = ?

-- answers_in_force --
SELECT a.invoice, a.kind, a.reason, a.promised_for
FROM portal_answer a
JOIN document d ON d.seq = a.invoice
JOIN customer c ON c.seq = d.customer
WHERE (c.seq = ? OR c.parent = ?) AND a.settled_at IS NULL

-- insert_answer --
INSERT INTO portal_answer (organisation, id, invoice, kind, reason, comment, promised_for,
    created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- settle_answers --
UPDATE portal_answer SET settled_at = ? WHERE invoice = ? AND kind = ? AND settled_at IS NULL

-- delete_answers --
DELETE FROM portal_answer WHERE invoice = ?

-- mark --
UPDATE document SET mark = ? WHERE seq = ?

-- unmark --
UPDATE document SET mark = NULL WHERE seq = ? AND mark = ?

-- invoice_of_answer --
SELECT invoice FROM portal_answer WHERE id = ? AND organisation = ?

-- logo --
SELECT media_type, content FROM portal_logo WHERE organisation = ?

-- has_logo --
SELECT 1 FROM portal_logo WHERE organisation = ?

-- set_logo --
INSERT INTO portal_logo (organisation, media_type, content) VALUES (?, ?, ?)
ON CONFLICT (organisation) DO UPDATE SET media_type = excluded.media_type,
    content = excluded.content

-- delete_logo --
DELETE FROM portal_logo WHERE organisation = ?
