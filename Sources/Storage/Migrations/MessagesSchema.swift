// Migration 1: contacts, conversations, messages.

/// `messages.content` is null where the body says it all (plain text).
/// Ids and addresses sort by byte (`COLLATE "C"`): no locale may merge two of them, and comparison is cheap.
/// `messages` carries no foreign keys: they were a sixth of the database's work on the way in. What they would hold
/// is held by order instead: a writer updates the conversation's row in the statement that inserts a message into it,
/// and a deletion or merge first locks the contacts' rows (no conversation can be added to them then), next their
/// conversations' rows, each by id, and only then reads what belongs to them; the integrity tests look for orphans.
let messagesSchema = """
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
