-- What is asked of channels, what they said that fits no contact, and what nobody can say.

-- How far each channel has been asked. `due_at`, `polled_at` and `held_since` are on the clock of
-- the business, the lease is on that of the server. `claim` says who holds it: another value with
-- every claim.
CREATE TABLE polls (
    channel     text PRIMARY KEY,
    cursor      bytea NOT NULL DEFAULT '' CHECK (octet_length(cursor) <= 65536),
    due_at      timestamptz,
    lease_until timestamptz,
    claim       uuid,
    polled_at   timestamptz,
    -- Since when it is asked for the same again, because some of it could not be recorded yet.
    held_since  timestamptz,
    failures    integer NOT NULL DEFAULT 0
);

-- Some gateways count the receipts of each message from one.
ALTER TABLE unmatched_signals
    ADD COLUMN kind text NOT NULL DEFAULT '',
    DROP CONSTRAINT unmatched_signals_pkey,
    ADD PRIMARY KEY (channel, kind, signal_id, reference);
CREATE INDEX unmatched_signals_by_time ON unmatched_signals (received_at);

-- Contacts of which nobody can say whether they left. A read model: a function of the case.
-- The words that say why are sealed in the case, and stay there.
CREATE TABLE unknown_contacts (
    case_id    uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel    text NOT NULL,
    plugin     text NOT NULL,
    since      timestamptz NOT NULL,
    PRIMARY KEY (case_id, contact_id)
);
CREATE INDEX unknown_contacts_by_time ON unknown_contacts (since, case_id, contact_id);

GRANT SELECT, INSERT, UPDATE ON polls TO duecourse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON unknown_contacts TO duecourse_app;
