-- One row holds an event and, if it is the first of its command, what makes the command
-- exactly-once. The table of commands said the same a second time, at the cost of a third of each
-- commit; its facts move into the rows they are about. Topics and states stay as they are.

ALTER TABLE case_events ADD COLUMN fingerprint bytea;

ALTER TABLE case_events DISABLE TRIGGER case_events_append_only;
UPDATE case_events e
   SET fingerprint = c.fingerprint
  FROM commands c
 WHERE e.originator_id = c.case_id AND e.originator_version = c.first_version;
ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only;

CREATE UNIQUE INDEX case_events_command_idx ON case_events (command_id)
    WHERE fingerprint IS NOT NULL;
GRANT INSERT (fingerprint) ON case_events TO duecourse_app;

DROP FUNCTION append_events;
DROP TABLE commands;

-- Append a batch of commands, at most one per case and each command id at most once.
--
-- The advisory lock puts writers in order, so positions become visible in their order and a
-- tailing reader never passes over one. The key is LOG_LOCK in database.py.
--
-- `mode`: 1 holds the lock until the commit is on disk. 2 commits without waiting for the disk, so
-- that the next writer goes on at once; nobody may be told of the outcome before a later
-- synchronous commit (flush_log) has come back. 0 chooses: 1 for the only writer there is, else 2.
-- Every writer holds WRITERS_LOCK (writer.py) shared for as long as it is connected, so only one
-- that is alone can have it for itself.
--
-- event_command is the 1-based number of the event's command; events of a command are in order.
-- Answers whether the outcome is already on disk, and for each command, in order, the position of
-- its last event, 0 if its first version is not the next of its case, or -1 if its id is known.
CREATE FUNCTION append_events(
    mode integer,
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
    causations text[],
    OUT on_disk boolean,
    OUT verdicts bigint[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    on_disk := mode = 1 OR mode = 0 AND pg_try_advisory_xact_lock(4922500610731043);
    IF NOT on_disk THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    PERFORM pg_advisory_xact_lock(4922500610731041);
    -- A hint, once per batch; followers poll anyway, and those with outside effects flush first.
    NOTIFY case_events;
    -- A statement of its own, so that its snapshot is taken after the lock.
    WITH judged AS MATERIALIZED (
        SELECT a.*, CASE
            WHEN EXISTS (SELECT FROM case_events k
                          WHERE k.command_id = a.command_id AND k.fingerprint IS NOT NULL)
                THEN -1
            WHEN a.first_version = 1 + coalesce(
                (SELECT o.originator_version FROM case_events o
                  WHERE o.originator_id = a.case_id
                  ORDER BY o.originator_version DESC LIMIT 1), 0)
                THEN 1
            ELSE 0 END AS verdict
        FROM unnest(command_ids, case_ids, first_versions, fingerprints,
                    actor_ids, actor_roles, causations) WITH ORDINALITY
            AS a (command_id, case_id, first_version, fingerprint,
                  actor_id, actor_role, causation, number)
    ), written AS (
        INSERT INTO case_events (originator_id, originator_version, topic, state,
                                 actor_id, actor_role, command_id, causation, fingerprint)
        SELECT j.case_id, v.version, v.topic, v.state,
               j.actor_id, j.actor_role, j.command_id, j.causation,
               CASE WHEN v.version = j.first_version THEN j.fingerprint END
        FROM unnest(event_command, event_version, event_topic, event_state)
                WITH ORDINALITY AS v (number, version, topic, state, place)
        JOIN judged j ON j.number = v.number
        WHERE j.verdict = 1
        ORDER BY v.place
        RETURNING originator_id, notification_id
    ), placed AS (
        SELECT originator_id, max(notification_id) AS position FROM written GROUP BY originator_id
    )
    SELECT array_agg(CASE WHEN j.verdict = 1 THEN p.position ELSE j.verdict END ORDER BY j.number)
      INTO verdicts
      FROM judged j LEFT JOIN placed p ON p.originator_id = j.case_id;
END $$;

-- Wait until all that this session has seen committed is on disk. A record of its own makes the
-- commit a synchronous one; everything before it in the log of the server is on disk with it.
CREATE FUNCTION flush_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    PERFORM pg_logical_emit_message(true, 'duecourse', '');
END $$;

REVOKE ALL ON FUNCTION append_events, flush_log FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events, flush_log TO duecourse_app;
