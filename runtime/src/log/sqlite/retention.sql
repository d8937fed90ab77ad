-- For retention: since when an event is held (milliseconds since 1970), and how much a channel holds.
ALTER TABLE event_api_events ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0;
UPDATE event_api_events SET stored_at = coalesce(CAST(unixepoch(time, 'subsec') * 1000 AS INTEGER), 0);
ALTER TABLE event_api_channels ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE event_api_channels SET bytes =
    (SELECT coalesce(sum(octet_length(data)), 0) FROM event_api_events e WHERE e.channel = event_api_channels.id);
