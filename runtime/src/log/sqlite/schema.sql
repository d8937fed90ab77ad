-- Channels of the log. `next` is the position of the next event and is raised in the transaction that appends: SQLite
-- lets one transaction write at a time, so positions are dense and in commit order.
CREATE TABLE event_api_channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    oldest INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE event_api_events (
    channel INTEGER NOT NULL REFERENCES event_api_channels (id),
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    -- RFC 3339 in UTC with nanoseconds.
    time TEXT NOT NULL,
    subject TEXT,
    address TEXT,
    version TEXT,
    traceparent TEXT,
    -- A JSON object; NULL when there are no headers.
    headers TEXT,
    -- The payload: JSON text as it was published.
    data TEXT NOT NULL,
    UNIQUE (channel, position),
    UNIQUE (channel, id)
) STRICT;
