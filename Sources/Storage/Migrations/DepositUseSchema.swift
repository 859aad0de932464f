// Migration 23: when deposited content was last used.

/// Interactive content is often written for one person, and never sent again.
let depositUseSchema = """
  ALTER TABLE content_deposits ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
  CREATE INDEX content_deposits_used ON content_deposits (used_at);
  """
