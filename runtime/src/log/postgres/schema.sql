-- Channels of the log. A row is written by whoever gives positions to events, under the log's lock.
CREATE TABLE event_api_channels (
    name text COLLATE "C" PRIMARY KEY,
    oldest bigint NOT NULL DEFAULT 0,
    next bigint NOT NULL DEFAULT 0,
    -- Of the payloads of the events that have positions.
    bytes bigint NOT NULL DEFAULT 0,
    -- Transactions before this one have ended, and their events have positions.
    floor bigint NOT NULL DEFAULT 0
-- Room on each page: rows are updated at every commit, and so need not move nor touch the index.
) WITH (fillfactor = 50);

-- Events name their channel instead of referring to its row, so that a caller's transaction touches nothing that
-- another one waits for.
CREATE TABLE event_api_events (
    channel text COLLATE "C" NOT NULL,
    -- NULL from the append in a caller's transaction until, after its commit, somebody gives it a position.
    position bigint,
    -- The order of appends: of the events without positions, the lower ones get theirs first.
    appended bigint GENERATED ALWAYS AS IDENTITY,
    -- The transaction that appended it.
    xact bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id text COLLATE "C" NOT NULL,
    type text NOT NULL,
    -- RFC 3339 in UTC with nanoseconds, of which timestamptz would lose the last three digits.
    time text NOT NULL,
    subject text,
    address text,
    version text,
    traceparent text,
    -- A JSON object; NULL when there are no headers.
    headers text,
    -- The payload: JSON text as it was published, which jsonb would not keep.
    data text NOT NULL,
    -- When it was appended, for retention.
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (channel, id)
);
CREATE UNIQUE INDEX event_api_events_position ON event_api_events (channel, position) WHERE position IS NOT NULL;
-- By transaction: what was given its position leaves an entry here until it is vacuumed, which may be long (while a
-- backup reads the database, for example). Looking from the channel's floor on passes none of them.
CREATE INDEX event_api_events_pending ON event_api_events (channel, xact) WHERE position IS NULL;
