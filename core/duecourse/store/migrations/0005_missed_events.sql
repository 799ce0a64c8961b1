-- A command that came too late for its case is given what it missed, so that it can be decided
-- again at once, and not only when it has been read on another connection.

DROP FUNCTION append_events;

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
--
-- For a verdict of 0 also the events of the case from that first version on, in their order:
-- missed_number is the number of the command. A case with more than 50 of them gets none, nor does
-- any once all together are more than 1,000, or their states more than 1 MB: the lock is held
-- meanwhile, and the case can be read after it. No arrays mean that there is nothing to give.
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
    OUT verdicts integer[],
    OUT missed_number integer[],
    OUT missed_versions bigint[],
    OUT missed_topics text[],
    OUT missed_states bytea[]
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
    ELSIF 0 = ANY (verdicts) THEN
        -- How many there are is known by their versions, before any is looked at. The sums are over
        -- whole cases, as the events of a case have the same number.
        WITH behind AS MATERIALIZED (
            SELECT a.number::integer AS number, a.case_id, a.first_version,
                   1 - a.first_version +
                   (SELECT o.originator_version FROM case_events o
                     WHERE o.originator_id = a.case_id
                     ORDER BY o.originator_version DESC LIMIT 1) AS missed
            FROM unnest(case_ids, first_versions) WITH ORDINALITY
                AS a (case_id, first_version, number)
            WHERE verdicts[a.number] = 0
        ), near AS (
            SELECT number, case_id, first_version, sum(missed) OVER (ORDER BY number) AS events
            FROM behind
            WHERE missed BETWEEN 1 AND 50
        ), found AS (
            SELECT n.number, m.version, m.topic, m.state,
                   sum(octet_length(m.state)) OVER (ORDER BY n.number) AS bytes
            FROM near n
            CROSS JOIN LATERAL (
                SELECT o.originator_version AS version, o.topic, o.state FROM case_events o
                 WHERE o.originator_id = n.case_id AND o.originator_version >= n.first_version
                 ORDER BY o.originator_version LIMIT 50) AS m
            WHERE n.events <= 1000
        )
        SELECT array_agg(number ORDER BY number, version),
               array_agg(version ORDER BY number, version),
               array_agg(topic ORDER BY number, version),
               array_agg(state ORDER BY number, version)
          INTO missed_number, missed_versions, missed_topics, missed_states
          FROM found
         WHERE bytes <= 1000000;
    END IF;
END $$;

REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events TO duecourse_app;
