-- Appends events that are taken to be new, in one call, which is a transaction of its own. In READ COMMITTED, each of its
-- statements sees what was committed before the lock was got. In a stricter level, one that has not seen how a channel
-- has grown since the call began fails when it lets the channel grow.
--
-- By channel: its name, how many events and bytes of payload it grows by. By event: the index of its channel, from 1; which
-- of the channel's new events it is, from 0; and its columns.
--
-- Returns where the channels end then. NULL when it cannot be done this way, and nothing was done. An id that is there
-- is an error.
CREATE FUNCTION event_api_append_new(
    lock bigint, notifications text,
    names text[], counts bigint[], sizes bigint[],
    channels int[], places bigint[], ids text[], types text[], times text[], subjects text[], addresses text[],
    versions text[], traceparents text[], header_objects text[], payloads text[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ends bigint[];
BEGIN
    -- Whatever else the service can do without: an append that is acknowledged is on the disk.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM set_config('lock_timeout', '10s', true);
    PERFORM pg_advisory_xact_lock(lock);
    -- What was committed before stands before these events, and has no positions yet.
    IF (SELECT bool_or(EXISTS (
            SELECT FROM event_api_events p WHERE p.position IS NULL AND p.channel = n.name AND p.xact >= coalesce((
                SELECT CASE WHEN f.floor <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint THEN f.floor END
                FROM event_api_channels f WHERE f.name = n.name), 0)))
        FROM unnest(names) AS n (name))
    THEN
        RETURN NULL;
    END IF;
    WITH grown AS (
        INSERT INTO event_api_channels AS c (name, next, bytes) SELECT * FROM unnest(names, counts, sizes)
        ON CONFLICT (name) DO UPDATE SET next = c.next + excluded.next, bytes = c.bytes + excluded.bytes
        RETURNING c.name, c.next
    ), told AS (
        SELECT name, next, pg_notify(notifications, left(next || ' ' || name, 1900)) FROM grown
    )
    SELECT array_agg(told.next ORDER BY asked.ordinal) INTO ends
    FROM unnest(names) WITH ORDINALITY AS asked (name, ordinal) JOIN told ON told.name = asked.name;
    -- A transaction that has inserted one of the ids, and has not ended, is waited for no longer under the lock.
    PERFORM set_config('lock_timeout', '10ms', true);
    INSERT INTO event_api_events
        (channel, position, id, type, time, subject, address, version, traceparent, headers, data)
    SELECT names[r.channel], ends[r.channel] - counts[r.channel] + r.place,
           r.id, r.type, r.time, r.subject, r.address, r.version, r.traceparent, r.headers, r.data
    FROM unnest(channels, places, ids, types, times, subjects, addresses, versions, traceparents, header_objects,
                payloads) AS r
        (channel, place, id, type, time, subject, address, version, traceparent, headers, data);
    -- The commit waits for that of any transaction of the server that notifies, until its disk has answered.
    PERFORM set_config('lock_timeout', '30s', true);
    RETURN ends;
END $$;
