-- Read models. Every row is a function of the state of its case and can be rebuilt by replay.
-- None holds a name, an address or a number of a person.

CREATE TABLE worklist (
    case_id           uuid PRIMARY KEY,
    creditor          text NOT NULL,
    stage             text NOT NULL,
    opened_at         timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    currency          text NOT NULL,
    outstanding_minor bigint NOT NULL,
    oldest_due_on     date,
    holds             text[] NOT NULL,
    plan              text NOT NULL,
    next_step         text NOT NULL,
    next_step_at      timestamptz,
    attention         text[] NOT NULL
);
CREATE INDEX worklist_by_stage ON worklist (stage, case_id);

-- What is due, and when, on the clock of the business. The lease is on the clock of the server.
CREATE TABLE timers (
    case_id     uuid NOT NULL,
    key         text NOT NULL,
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    PRIMARY KEY (case_id, key)
);
CREATE INDEX timers_by_due ON timers (due_at);

-- How a channel's receipts name a contact: by our key, or by the channel's own reference.
CREATE TABLE contact_references (
    channel    text NOT NULL,
    reference  text NOT NULL,
    case_id    uuid NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (channel, reference)
);

-- Whose address it is that somebody writes from, by a keyed pseudonym of the address.
CREATE TABLE contact_addresses (
    address_id uuid NOT NULL,
    case_id    uuid NOT NULL,
    point_id   text NOT NULL,
    PRIMARY KEY (case_id, point_id)
);
CREATE INDEX contact_addresses_by_address ON contact_addresses (address_id);

-- Signals of a channel that fit no contact; a person looks at them.
CREATE TABLE unmatched_signals (
    channel     text NOT NULL,
    signal_id   text NOT NULL,
    reference   text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (channel, signal_id)
);

CREATE TABLE api_keys (
    key_id        text PRIMARY KEY,
    name          text NOT NULL,
    role          text NOT NULL,
    secret_sha256 bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at    timestamptz
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON worklist, timers, contact_references, contact_addresses, unmatched_signals
    TO duecourse_app;
GRANT SELECT, INSERT, UPDATE ON api_keys TO duecourse_app;
