-- Two contacts that one reference names: a channel's mistake, or one that counts from one again.

-- `since` is when the contact got the name. Of what was here before it is learned when the log is
-- followed anew; until then it counts as new.
ALTER TABLE contact_references
    ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp(),
    DROP CONSTRAINT contact_references_pkey,
    ADD PRIMARY KEY (channel, reference, contact_id);
ALTER TABLE contact_references ALTER COLUMN since DROP DEFAULT;
CREATE INDEX contact_references_by_time ON contact_references (channel, reference, since);
UPDATE followers SET position = 0 WHERE name = 'views';
