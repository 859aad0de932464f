// The schema, as an ordered list of migrations. A migration that has shipped is never changed: a new one follows it.

/// One step of the schema.
struct Migration: Sendable {
  var version: Int
  var name: String
  var sql: String
  /// The script commits by itself as it goes, and may be broken off and run again: for what takes long on a large table.
  var commitsItself = false

  static let all: [Migration] = [
    Migration(version: 1, name: "contacts, conversations, messages", sql: messagesSchema),
    Migration(version: 2, name: "event log", sql: eventLogSchema),
    Migration(version: 3, name: "webhooks and deliveries", sql: webhooksSchema),
    Migration(version: 4, name: "keys, templates, opt-outs, media, idempotency", sql: apiSchema),
    Migration(version: 5, name: "conversations move in place", sql: activitySchema),
    Migration(version: 6, name: "media fetching", sql: mediaSchema),
    Migration(version: 7, name: "template sync", sql: templateSyncSchema),
    Migration(version: 8, name: "opt-outs and held messages", sql: holdingSchema),
    Migration(version: 9, name: "deposited content, aliases", sql: depositSchema),
    Migration(version: 10, name: "expiry, quiet hours, prices, polls, reconciliation", sql: timeSchema),
    Migration(version: 12, name: "files that are kept for a time", sql: mediaRetentionSchema),
    Migration(version: 13, name: "lists and searches", sql: listSchema),
    Migration(version: 14, name: "bulks", sql: bulkSchema),
    Migration(version: 16, name: "idempotency keys by lease", sql: idempotencySchema),
    Migration(version: 18, name: "deliveries by one node at a time, replays", sql: deliverySchema),
    Migration(version: 21, name: "failures counted apart", sql: attemptSchema),
    Migration(version: 22, name: "facts by rank, late prices, what the provider keeps", sql: factSchema),
    Migration(version: 23, name: "the use of deposited content", sql: depositUseSchema),
    Migration(version: 24, name: "the health of channels", sql: channelHealthSchema),
    Migration(version: 25, name: "contacts by any part, in any combination", sql: contactSearchSchema),
    Migration(version: 26, name: "lists of one channel", sql: channelListSchema),
    Migration(version: 27, name: "where endpoints begin", sql: endpointSchema),
    Migration(version: 28, name: "the origin of the log's epoch", sql: epochSchema),
    Migration(version: 29, name: "webhooks that are being removed", sql: removalSchema),
    Migration(version: 30, name: "the ids of a bulk's messages", sql: bulkIdentifierSchema),
    Migration(version: 32, name: "the addresses of a contact beside its texts", sql: contactKindSchema),
    Migration(version: 33, name: "the addresses of contacts that are there", sql: knownAddresses, commitsItself: true),
    Migration(version: 34, name: "texts of mixed alphabets", sql: mixedTextSchema),
  ]
}

/// `messages.content` is null where the body says it all (plain text).
/// Ids and addresses sort by byte (`COLLATE "C"`): no locale may merge two of them, and comparison is cheap.
/// `messages` carries no foreign keys: they were a sixth of the database's work on the way in. What they would hold
/// is held by order instead: a writer updates the conversation's row in the statement that inserts a message into it,
/// and a deletion or merge first locks the contacts' rows (no conversation can be added to them then), next their
/// conversations' rows, each by id, and only then reads what belongs to them; the integrity tests look for orphans.
private let messagesSchema = """
  CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    name text,
    attributes jsonb NOT NULL DEFAULT '{}',
    labels text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  );

  CREATE TABLE contact_channels (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts ON DELETE CASCADE,
    type text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    profile_name text,
    opted_out boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    UNIQUE (type, address)
  );
  CREATE INDEX contact_channels_contact ON contact_channels (contact_id);

  CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts ON DELETE CASCADE,
    channel text COLLATE "C",
    channel_type text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL,
    archived boolean NOT NULL DEFAULT false,
    unread_count integer NOT NULL DEFAULT 0,
    last_message_id uuid,
    last_activity_at timestamptz NOT NULL,
    last_inbound_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (channel_type, address, line)
  ) WITH (fillfactor = 80);
  CREATE INDEX conversations_contact ON conversations (contact_id);
  CREATE INDEX conversations_activity ON conversations (last_activity_at DESC, id DESC);

  CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel text COLLATE "C",
    channel_type text COLLATE "C" NOT NULL,
    inbound boolean NOT NULL,
    sender text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    body text,
    content text,
    status smallint NOT NULL,
    status_settled boolean NOT NULL DEFAULT false,
    status_contradicted boolean NOT NULL DEFAULT false,
    error_code text,
    error_message text,
    account_sid text COLLATE "C",
    provider_sid text COLLATE "C",
    segment_count smallint,
    segment_encoding text,
    template text,
    valid_for integer,
    scheduled_at timestamptz,
    reply_to uuid,
    resend_of uuid,
    recovered boolean NOT NULL DEFAULT false,
    has_media boolean NOT NULL DEFAULT false,
    metadata text,
    raw text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz
  ) WITH (fillfactor = 90);
  CREATE UNIQUE INDEX messages_provider ON messages (provider_sid, account_sid) WHERE provider_sid IS NOT NULL;
  CREATE INDEX messages_conversation ON messages (conversation_id, id DESC);

  CREATE TABLE status_events (
    message_id uuid NOT NULL,
    at timestamptz NOT NULL,
    status smallint,
    provider_status text NOT NULL,
    source text NOT NULL,
    error_code text NOT NULL DEFAULT '',
    error_message text,
    raw text,
    PRIMARY KEY (message_id, provider_status, error_code)
  );

  CREATE TABLE parked_statuses (
    account_sid text COLLATE "C" NOT NULL,
    provider_sid text COLLATE "C" NOT NULL,
    provider_status text NOT NULL,
    error_code text NOT NULL DEFAULT '',
    message_id uuid,
    status smallint,
    source text NOT NULL,
    error_message text,
    sender text,
    segment_count smallint,
    raw text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (provider_sid, account_sid, provider_status, error_code)
  );

  -- What waits to be sent: a row for each message between `queued` and the provider's answer.
  -- state 0: waiting; 1: a node is calling; 2: the outcome of a call is unknown.
  CREATE TABLE outbox (
    message_id uuid PRIMARY KEY,
    sender_key text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    priority smallint NOT NULL,
    units integer NOT NULL,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    attempted_at timestamptz,
    lease uuid,
    lease_until timestamptz
  ) WITH (fillfactor = 70);
  CREATE INDEX outbox_waiting ON outbox (sender_key, priority, run_at, message_id) WHERE state = 0;
  CREATE INDEX outbox_calling ON outbox (lease_until) WHERE state <> 0;

  -- Which node sends for a sender of ours: pacing is kept by one node at a time.
  CREATE TABLE sender_leases (
    sender_key text COLLATE "C" PRIMARY KEY,
    node uuid NOT NULL,
    lease_until timestamptz NOT NULL
  );
  """

/// The log is numbered under an advisory lock that is taken last (see `append_events`), so that a number becomes
/// visible only after every smaller one. It is partitioned by number, so that a tail query touches one partition and
/// retention drops whole ones. The sequence is explicit because identity columns on partitioned tables need
/// PostgreSQL 17.
private let eventLogSchema = """
  CREATE SEQUENCE event_seq;

  CREATE TABLE events (
    seq bigint NOT NULL PRIMARY KEY,
    id uuid NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    conversation_id uuid,
    channel text,
    data text NOT NULL
  ) PARTITION BY RANGE (seq);

  CREATE TABLE log_epoch (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch uuid NOT NULL
  );
  INSERT INTO log_epoch (epoch) VALUES (gen_random_uuid());

  CREATE TABLE consumer_cursors (
    name text PRIMARY KEY,
    seq bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
  );
  INSERT INTO consumer_cursors (name, seq) VALUES ('webhooks', 0);

  CREATE FUNCTION ensure_event_partitions(ahead integer) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    size constant bigint := 1000000;
    current bigint;
    n bigint;
  BEGIN
    SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END / size INTO current FROM event_seq;
    FOR n IN current .. current + ahead LOOP
      IF to_regclass('events_' || n) IS NULL THEN
        PERFORM pg_advisory_xact_lock(7310577382525465187);
        EXECUTE format('CREATE TABLE IF NOT EXISTS events_%s PARTITION OF events FOR VALUES FROM (%s) TO (%s)',
          n, n * size, (n + 1) * size);
      END IF;
    END LOOP;
  END $$;
  SELECT ensure_event_partitions(2);

  -- The last statement of every unit of work that makes events. One call: it has all its data before it takes the
  -- lock, and nothing but the commit follows, so no client can sit on the lock.
  CREATE FUNCTION append_events(
    ids uuid[], types text[], ats timestamptz[], conversations uuid[], channels text[], bodies text[]
  ) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    newest bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(7310577382525465186);
    INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
      SELECT nextval('event_seq'), e.* FROM unnest(ids, types, ats, conversations, channels, bodies) AS e;
    newest := currval('event_seq');
    PERFORM pg_notify('fractal_events', newest::text);
    RETURN newest;
  END $$;

  -- Ends a session that holds the log lock and waits for its client: one that froze in the middle of its last packet.
  CREATE FUNCTION break_log_lock(after interval) RETURNS integer LANGUAGE sql AS $$
    SELECT count(*)::integer FROM (
      SELECT pg_terminate_backend(a.pid)
      FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32 | l.objid::bigint) = 7310577382525465186
        AND a.wait_event = 'ClientRead' AND a.query_start < now() - after
    ) terminated
  $$;
  """

private let apiSchema = """
  CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL
  );

  CREATE TABLE templates (
    sid text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    language text NOT NULL,
    types jsonb NOT NULL,
    variables jsonb NOT NULL DEFAULT '{}',
    approval_status text,
    approval_category text,
    rejection_reason text,
    synced_at timestamptz NOT NULL
  );

  -- A ledger: the newest row of an address and scope stands. Not tied to a contact: an opt-out outlives it.
  CREATE TABLE opt_outs (
    id uuid PRIMARY KEY,
    channel_type text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    opted_out boolean NOT NULL,
    source text NOT NULL,
    message_id uuid,
    at timestamptz NOT NULL
  );
  CREATE INDEX opt_outs_address ON opt_outs (channel_type, address, id DESC);

  CREATE TABLE media (
    id uuid PRIMARY KEY,
    message_id uuid,
    position smallint NOT NULL DEFAULT 0,
    state text NOT NULL,
    content_type text,
    size bigint,
    filename text,
    provider_url text,
    account_sid text,
    bytes bytea,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX media_message ON media (message_id, position);
  ALTER TABLE media ALTER COLUMN bytes SET STORAGE EXTERNAL;

  CREATE TABLE idempotency_keys (
    key_id uuid NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    response bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (key_id, path, key)
  );
  CREATE INDEX idempotency_age ON idempotency_keys (created_at);
  """
