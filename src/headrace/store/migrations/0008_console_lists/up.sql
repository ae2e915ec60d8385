CREATE INDEX document_dated ON document (organisation, entity, (coalesce(dated, '')), seq);
CREATE INDEX document_amount ON document (organisation, entity, amount, seq);
CREATE INDEX document_unpaid ON document (organisation, entity, (coalesce(due_date, '')), seq)
    WHERE applied < amount;
CREATE INDEX document_mark ON document (organisation, entity, mark, seq) WHERE mark IS NOT NULL;
ALTER TABLE document ADD COLUMN number TEXT;
UPDATE document
SET number = substr(lower(substr(named.rest, 1, instr(named.rest, '"') - 1)), 1, 60)
FROM (
    SELECT seq, substr(body, instr(body, '"customId":"') + 12) AS rest FROM document
    WHERE instr(body, '"customId":"') > 0
    UNION ALL
    SELECT seq, substr(body, instr(body, '"refNumber":"') + 13) FROM document
    WHERE instr(body, '"refNumber":"') > 0
) named
WHERE named.seq = document.seq AND instr(named.rest, '"') > 0;
CREATE INDEX document_number ON document (organisation, entity, number) WHERE number IS NOT NULL;
CREATE INDEX customer_name ON customer (organisation, (substr(lower(name), 1, 60)), seq);
ALTER TABLE console_user ADD COLUMN limited BIGINT NOT NULL DEFAULT 0;
CREATE TABLE console_access (
    person BIGINT NOT NULL REFERENCES console_user (seq),
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    PRIMARY KEY (person, organisation)
);
CREATE INDEX console_access_organisation ON console_access (organisation);
CREATE TABLE portal_logo (
    organisation BIGINT PRIMARY KEY REFERENCES organisation (seq),
    media_type TEXT NOT NULL,
    content TEXT NOT NULL
);
