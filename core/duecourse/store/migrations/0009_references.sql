-- Two contacts that one reference names: a channel's mistake, or one that counts from one again.

-- `since` is when the contact got the name. What was here before is older than all that comes;
-- `duecourse followers rebuild views` learns its dates.
ALTER TABLE contact_references
    ADD COLUMN since timestamptz NOT NULL DEFAULT '1970-01-01 00:00Z',
    DROP CONSTRAINT contact_references_pkey,
    ADD PRIMARY KEY (channel, reference, contact_id);
ALTER TABLE contact_references ALTER COLUMN since DROP DEFAULT;
