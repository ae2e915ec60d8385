CREATE INDEX document_dated ON document (organisation, entity, (coalesce(dated, '')), seq);
CREATE INDEX document_amount ON document (organisation, entity, amount, seq);
CREATE INDEX document_unpaid ON document (organisation, entity, (coalesce(due_date, '')), seq)
    WHERE applied < amount;
CREATE INDEX document_mark ON document (organisation, entity, mark, seq) WHERE mark IS NOT NULL;
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
