CREATE TABLE event_api_webhook_subscriptions (
    id TEXT PRIMARY KEY,
    callback_url TEXT NOT NULL,
    -- JSON arrays of names; empty for all.
    event_types TEXT NOT NULL,
    channels TEXT NOT NULL,
    -- 'now', 'beginning' or a position.
    start TEXT NOT NULL,
    created_at TEXT NOT NULL,
    -- Separated by spaces, the current one first. Signing needs them as they are, so they cannot be hashed.
    secrets TEXT NOT NULL,
    disabled_at TEXT,
    disabled_reason TEXT
) STRICT;

CREATE TABLE event_api_webhook_cursors (
    subscription TEXT NOT NULL,
    channel TEXT NOT NULL,
    position INTEGER NOT NULL,
    -- All NULL unless the event at `position` was tried in vain (`status` also then, when there was no answer).
    attempts INTEGER,
    next_attempt_at TEXT,
    error TEXT,
    status INTEGER,
    PRIMARY KEY (subscription, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_api_webhook_dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription TEXT NOT NULL,
    channel TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    -- The event: its id, its trace context and the body of its deliveries. NULL for a gap.
    event_id TEXT,
    traceparent TEXT,
    body TEXT,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    status INTEGER,
    at TEXT NOT NULL
) STRICT;

CREATE INDEX event_api_webhook_dead_letters_of ON event_api_webhook_dead_letters (subscription, number);
