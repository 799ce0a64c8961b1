-- A lane for each channel and for the courts, how fast a channel may go, and when it has to rest.

ALTER TABLE timers ADD COLUMN lane text NOT NULL DEFAULT '';
-- In the order in which they are claimed.
CREATE INDEX timers_by_lane ON timers (lane, due_at, case_id, key);

-- What waits already learns its lane when the log is followed anew; rows only depend on the cases.
UPDATE followers SET position = 0 WHERE name = 'views';

-- What was handed out of a channel's rate, for as long as it counts. On the server's clock.
CREATE TABLE channel_grants (
    channel text NOT NULL,
    at      timestamptz NOT NULL,
    granted integer NOT NULL CHECK (granted > 0)
);
CREATE INDEX channel_grants_by_time ON channel_grants (channel, at);

-- Channels that could not take messages. One whose rest is over is tried with one message.
CREATE TABLE channel_rests (
    channel text PRIMARY KEY,
    times   integer NOT NULL CHECK (times > 0),
    until   timestamptz NOT NULL,
    reason  text NOT NULL
);

-- What became of channels: suspended, and resumed. Never changed.
CREATE TABLE channel_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    channel text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('ChannelSuspended', 'ChannelResumed')),
    until   timestamptz,
    reason  text NOT NULL,
    actor   text NOT NULL
);
CREATE INDEX channel_events_by_channel ON channel_events (channel, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON channel_grants, channel_rests TO duecourse_app;
GRANT SELECT, INSERT ON channel_events TO duecourse_app;
