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
-- The first three arrays have an element for each command, the others one for each event, all
-- columns of its row: joining them here costs more than sending them. command_number is the 1-based
-- number of the event's command; the events of a command are in order, and only the first has a
-- fingerprint that is not empty.
--
-- Answers whether the outcome is already on disk, the position of the first event written (those
-- of the others follow, as nobody else draws one under the lock), and verdicts, in the order of the
-- commands: 1 appended, 0 its first version is not the next of its case, -1 its id is known. No
-- verdicts mean that all were appended.
CREATE FUNCTION append_events(
    mode integer,
    command_ids uuid[],
    case_ids uuid[],
    first_versions bigint[],
    command_number integer[],
    originator_ids uuid[],
    versions bigint[],
    topics text[],
    states bytea[],
    event_command_ids uuid[],
    fingerprints bytea[],
    actor_ids text[],
    actor_roles text[],
    causations text[],
    OUT on_disk boolean,
    OUT first_position bigint,
    OUT verdicts integer[]
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
    -- Statements of their own, so that their snapshots are taken after the lock. Subqueries with a
    -- LIMIT, because EXISTS would be made into a hash of every command there ever was.
    verdicts := ARRAY(
        SELECT CASE
            WHEN (SELECT true FROM case_events k
                   WHERE k.command_id = a.command_id AND k.fingerprint IS NOT NULL LIMIT 1)
                THEN -1
            WHEN a.first_version = 1 + coalesce(
                (SELECT o.originator_version FROM case_events o
                  WHERE o.originator_id = a.case_id
                  ORDER BY o.originator_version DESC LIMIT 1), 0)
                THEN 1
            ELSE 0 END
        FROM unnest(command_ids, case_ids, first_versions)
            AS a (command_id, case_id, first_version));
    WITH written AS (
        INSERT INTO case_events (originator_id, originator_version, topic, state, command_id,
                                 fingerprint, actor_id, actor_role, causation)
        SELECT v.originator_id, v.version, v.topic, v.state, v.command_id,
               nullif(v.fingerprint, ''), v.actor_id, v.actor_role, v.causation
        FROM unnest(command_number, originator_ids, versions, topics, states, event_command_ids,
                    fingerprints, actor_ids, actor_roles, causations)
            AS v (number, originator_id, version, topic, state, command_id,
                  fingerprint, actor_id, actor_role, causation)
        WHERE verdicts[v.number] = 1
        RETURNING notification_id
    )
    SELECT min(notification_id) INTO first_position FROM written;
    IF 1 = ALL (verdicts) THEN
        verdicts := NULL;
    END IF;
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
