-- Followers in parts, cases parked by a follower, and a fence around each claim of a timer.

-- One row per part; all rows of a follower say the same number of parts.
ALTER TABLE followers
    ADD COLUMN part integer NOT NULL DEFAULT 0,
    ADD COLUMN parts integer NOT NULL DEFAULT 1,
    ADD COLUMN last_error text NOT NULL DEFAULT '',
    ADD CHECK (0 <= part AND part < parts),
    DROP CONSTRAINT followers_pkey,
    ADD PRIMARY KEY (name, part);
GRANT DELETE ON followers TO duecourse_app;

-- Which of so many parts a case is in; EventLog.read_part cuts the log in the same way.
CREATE FUNCTION part_of_case(case_id uuid, parts integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (uuid_hash(case_id) & 2147483647) % parts;
REVOKE ALL ON FUNCTION part_of_case FROM PUBLIC;
GRANT EXECUTE ON FUNCTION part_of_case TO duecourse_app;

-- Cases that a follower could not follow. Their events from `position` up to that of the follower
-- wait here, so that the other cases need not.
CREATE TABLE parked (
    follower    text NOT NULL,
    case_id     uuid NOT NULL,
    -- Of the first event that was not applied.
    position    bigint NOT NULL,
    version     bigint NOT NULL,
    -- The kind of the error and its place; never its words, which may quote a person.
    error       text NOT NULL,
    attempts    integer NOT NULL DEFAULT 1,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_try_at timestamptz NOT NULL,
    PRIMARY KEY (follower, case_id)
);
CREATE INDEX parked_by_next_try ON parked (follower, next_try_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON parked TO duecourse_app;

-- Who holds the lease: another value with every claim.
ALTER TABLE timers ADD COLUMN claim uuid;
