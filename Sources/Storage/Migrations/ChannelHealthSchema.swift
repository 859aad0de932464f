// Migration 24: what providers said to each node's last calls.

/// A row for each channel and node, which the node writes as things change, and others read. A node that is gone keeps
/// its rows for some days: they say when a channel last worked.
let channelHealthSchema = """
  CREATE TABLE channel_health (
    channel text COLLATE "C" NOT NULL,
    node uuid NOT NULL,
    -- Microseconds since 1970.
    call_times bigint[] NOT NULL,
    call_signs text[] NOT NULL,
    call_codes text[] NOT NULL,
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error_code text,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (channel, node)
  );
  """
