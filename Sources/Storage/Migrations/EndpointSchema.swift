// Migration 27: where an endpoint begins in the log, when it was disabled, whose turn it is among replays.

/// `after_seq`: an endpoint gets what the log has beyond this number. Times would not do: they are made by different
/// nodes' clocks, and before the commit. Those that are here already begin where they would have begun by time, as far as
/// the cursor has not passed it.
/// What is collected while an endpoint is paused waits beside the line (state 1) from the beginning, so that what comes
/// after the pause need not stand behind it.
let endpointSchema = """
  ALTER TABLE webhooks ADD COLUMN after_seq bigint NOT NULL DEFAULT 0, ADD COLUMN disabled_at timestamptz;
  UPDATE webhooks w SET
    after_seq = coalesce(
      (SELECT max(e.seq) FROM events e WHERE e.seq > c.seq AND e.at < w.created_at), c.seq),
    disabled_at = CASE WHEN NOT w.active AND w.disabled_reason IS NOT NULL THEN w.updated_at END
  FROM consumer_cursors c WHERE c.name = 'webhooks';

  UPDATE deliveries d SET state = 1, run_at = d.created_at FROM webhooks w
  WHERE w.id = d.webhook_id AND d.state = 0 AND (NOT w.active OR d.created_at < w.resumed_at);

  ALTER TABLE webhook_replays ADD COLUMN advanced_at timestamptz NOT NULL DEFAULT now();
  """
