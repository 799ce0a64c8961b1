-- The log of events, the commands behind them, the subjects' keys, the followers' positions.
--
-- Grants are explicit: a migration that makes a table says in the same file what duecourse_app
-- may do with it. What is not granted is refused; there are no default privileges.
-- The role itself is made by migrate.py before the first file, as it belongs to the cluster.

GRANT USAGE ON SCHEMA public TO duecourse_app;

CREATE TABLE case_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    -- Identity, not serial: the application needs no right on the sequence and cannot choose a position.
    notification_id bigint GENERATED ALWAYS AS IDENTITY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id text NOT NULL DEFAULT '',
    actor_role text NOT NULL DEFAULT '',
    command_id uuid,
    causation text NOT NULL DEFAULT '',
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_analyze_scale_factor = 0.01, autovacuum_analyze_threshold = 1000);

CREATE UNIQUE INDEX case_events_notification_id_idx ON case_events (notification_id);

-- What a command id has done, so that a repeat gets the first answer.
CREATE TABLE commands (
    command_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    first_version bigint NOT NULL,
    last_version bigint NOT NULL,
    fingerprint bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One data key per subject, wrapped by the master key. Without the row, what it sealed is erased.
CREATE TABLE subject_keys (
    subject_id uuid PRIMARY KEY,
    key_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Facts about the whole installation, such as the wrapped identity key.
CREATE TABLE settings (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE followers (
    name text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER case_events_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON case_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only;

CREATE TRIGGER commands_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON commands
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE commands ENABLE ALWAYS TRIGGER commands_append_only;

-- Append a batch of commands, at most one per case and each command id at most once.
--
-- The advisory lock is held to the commit, so positions become visible in their order and a
-- tailing reader never passes over one. The key is LOG_LOCK in database.py.
-- event_command is the 1-based number of the event's command; events of a command are in order.
-- Answers one row per command, in order: 'appended' with the positions of its events,
-- 'duplicate' if its id is known, 'conflict' if its first version is not the next of its case.
CREATE FUNCTION append_events(
    event_command integer[],
    event_version bigint[],
    event_topic text[],
    event_state bytea[],
    command_ids uuid[],
    case_ids uuid[],
    first_versions bigint[],
    fingerprints bytea[],
    actor_ids text[],
    actor_roles text[],
    causations text[]
) RETURNS TABLE (command bigint, outcome text, positions bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(4922500610731041);
    -- A hint to followers, once per batch; they poll anyway.
    NOTIFY case_events;
    -- A statement of its own, so that its snapshot is taken after the lock.
    RETURN QUERY
    WITH asked AS (
        SELECT * FROM unnest(command_ids, case_ids, first_versions, fingerprints,
                             actor_ids, actor_roles, causations) WITH ORDINALITY
            AS a (command_id, case_id, first_version, fingerprint,
                  actor_id, actor_role, causation, number)
    ), judged AS (
        SELECT a.*, CASE
            WHEN EXISTS (SELECT FROM commands c WHERE c.command_id = a.command_id)
                THEN 'duplicate'
            WHEN a.first_version <> 1 + coalesce(
                (SELECT max(e.originator_version) FROM case_events e
                 WHERE e.originator_id = a.case_id), 0)
                THEN 'conflict'
            ELSE 'appended' END AS verdict
        FROM asked a
    ), events AS (
        SELECT * FROM unnest(event_command, event_version, event_topic, event_state)
            WITH ORDINALITY AS v (number, version, topic, state, place)
    ), written AS (
        INSERT INTO case_events (originator_id, originator_version, topic, state,
                                 actor_id, actor_role, command_id, causation)
        SELECT j.case_id, v.version, v.topic, v.state,
               j.actor_id, j.actor_role, j.command_id, j.causation
        FROM events v JOIN judged j ON j.number = v.number
        WHERE j.verdict = 'appended'
        ORDER BY v.place
        RETURNING case_events.command_id, case_events.notification_id
    ), noted AS (
        INSERT INTO commands (command_id, case_id, first_version, last_version, fingerprint)
        SELECT j.command_id, j.case_id, j.first_version, max(v.version), j.fingerprint
        FROM judged j JOIN events v ON v.number = j.number
        WHERE j.verdict = 'appended'
        GROUP BY j.command_id, j.case_id, j.first_version, j.fingerprint
    ), placed AS (
        SELECT w.command_id, array_agg(w.notification_id ORDER BY w.notification_id) AS positions
        FROM written w GROUP BY w.command_id
    )
    SELECT j.number, j.verdict, p.positions
    FROM judged j LEFT JOIN placed p ON p.command_id = j.command_id
    ORDER BY j.number;
END $$;

REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events TO duecourse_app;

-- By column, so that the application can choose neither a position nor a time.
GRANT SELECT ON case_events, commands, subject_keys, settings, followers TO duecourse_app;
GRANT INSERT (originator_id, originator_version, topic, state,
              actor_id, actor_role, command_id, causation) ON case_events TO duecourse_app;
GRANT INSERT (command_id, case_id, first_version, last_version, fingerprint)
    ON commands TO duecourse_app;
GRANT INSERT (subject_id, wrapped) ON subject_keys TO duecourse_app;
GRANT INSERT ON settings TO duecourse_app;
GRANT INSERT, UPDATE ON followers TO duecourse_app;
