// Migration 7: whose a template is, and how the last look at the provider went.

/// `templates` is a copy of what the provider has, made anew by the next sync; no program wrote to it before this step.
/// When a template was last seen is its account's last success: writing it into each row would rewrite them all each
/// quarter of an hour.
let templateSyncSchema = """
  DELETE FROM templates;
  ALTER TABLE templates DROP CONSTRAINT templates_pkey;
  ALTER TABLE templates DROP COLUMN synced_at;
  ALTER TABLE templates ADD COLUMN account_sid text COLLATE "C" NOT NULL;
  ALTER TABLE templates ADD COLUMN id uuid NOT NULL;
  ALTER TABLE templates ADD PRIMARY KEY (account_sid, sid);
  CREATE INDEX templates_sid ON templates (sid);
  CREATE UNIQUE INDEX templates_id ON templates (id);

  CREATE TABLE template_syncs (
    account_sid text COLLATE "C" PRIMARY KEY,
    last_attempt_at timestamptz NOT NULL,
    last_success_at timestamptz,
    last_error text,
    lease uuid,
    lease_until timestamptz
  );
  """
