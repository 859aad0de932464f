// Migration 29: webhooks that are being removed.

/// From `removed_at` on a webhook is there for nobody; the row stays until its deliveries have gone, and whoever finds it
/// goes on with that. Removals that were broken off before are known by what they wrote down.
let removalSchema = """
  ALTER TABLE webhooks ADD COLUMN removed_at timestamptz;
  UPDATE webhooks SET removed_at = now() WHERE NOT active AND disabled_reason = 'It is being removed.';
  CREATE INDEX webhooks_removed ON webhooks (id) WHERE removed_at IS NOT NULL;
  """
