// Migration 4: keys, templates, opt-outs, media, idempotency keys.

let apiSchema = """
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
