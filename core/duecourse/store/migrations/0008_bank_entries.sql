-- What bank files said, and what became of it; and by which references a case is found.

-- A read model: the references that a payer may quote, by keyed pseudonyms. `debt_id` is all zero
-- where the reference is that of the whole case.
CREATE TABLE payment_keys (
    key_id  uuid NOT NULL,
    case_id uuid NOT NULL,
    debt_id uuid NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('reference', 'borrower', 'account')),
    PRIMARY KEY (case_id, key_id, kind, debt_id)
);
CREATE INDEX payment_keys_by_key ON payment_keys (key_id);

-- One row for every credit and every return of a bank file. No name, text or account is here:
-- `payer`, `end_to_end` and `batch` are keyed pseudonyms, `sealed` is what a person needs to see
-- of an unmatched one, under a key of its own, and gone when it is matched.
--
-- `posting` is a decision that is not carried out yet: whoever finds it carries it out.
CREATE TABLE bank_entries (
    entry_id     uuid PRIMARY KEY,
    statement_id uuid NOT NULL,
    message      text NOT NULL,
    what         text NOT NULL CHECK (what IN ('credit', 'return', 'own_return')),
    state        text NOT NULL
                 CHECK (state IN ('posting', 'posted', 'unmatched', 'set_aside')),
    currency     text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    booked_on    date,
    value_on     date NOT NULL,
    batch        uuid,
    is_whole     boolean NOT NULL,
    payer        uuid,
    end_to_end   uuid,
    rule         text NOT NULL DEFAULT '',
    reason       text NOT NULL DEFAULT '',
    candidates   uuid[] NOT NULL DEFAULT '{}',
    case_id      uuid,
    debt_id      uuid,
    payment_id   text NOT NULL DEFAULT '',
    subject_id   uuid,
    key_id       bigint,
    sealed       bytea,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_by   text NOT NULL DEFAULT '',
    CHECK (state NOT IN ('posting', 'posted') OR (case_id IS NOT NULL AND payment_id <> ''))
);
CREATE INDEX bank_entries_waiting ON bank_entries (received_at, entry_id) WHERE state = 'unmatched';
CREATE INDEX bank_entries_under_way ON bank_entries (entry_id) WHERE state = 'posting';
CREATE INDEX bank_entries_by_statement ON bank_entries (statement_id);
CREATE INDEX bank_entries_by_batch ON bank_entries (batch) WHERE batch IS NOT NULL;
CREATE INDEX bank_entries_by_payer ON bank_entries (payer) WHERE payer IS NOT NULL;
CREATE INDEX bank_entries_by_end_to_end ON bank_entries (end_to_end) WHERE end_to_end IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON payment_keys TO duecourse_app;
GRANT SELECT, INSERT, UPDATE ON bank_entries TO duecourse_app;
