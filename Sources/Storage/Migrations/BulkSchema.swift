// Migration 14: one message to thousands.

/// A bulk is `unsettled` while a node has something left to do for it; `revision` counts what was changed from outside,
/// so that a node which finishes does not hide a change it has not seen.
///
/// A recipient's state is 0 while it waits for its message, 1 once it has one, 2 where it was refused. Its message's id
/// is fixed from the start: whoever makes it again makes the same one.
///
/// In the outbox, state 4 is a bulk's message that waits because the bulk is paused.
let bulkSchema = """
  CREATE TABLE bulks (
    id uuid PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    template text,
    state smallint NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 0,
    unsettled boolean NOT NULL DEFAULT true,
    total integer NOT NULL,
    lease uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX bulks_unsettled ON bulks (id) WHERE unsettled;

  CREATE TABLE bulk_recipients (
    bulk_id uuid NOT NULL REFERENCES bulks ON DELETE CASCADE,
    position integer NOT NULL,
    state smallint NOT NULL,
    address text,
    body text,
    variables text,
    metadata text,
    units integer NOT NULL DEFAULT 1,
    message_id uuid,
    resend_of uuid,
    code text,
    reason text,
    PRIMARY KEY (bulk_id, position)
  );
  CREATE INDEX bulk_recipients_waiting ON bulk_recipients (bulk_id, position) WHERE state = 0;
  CREATE INDEX bulk_recipients_message ON bulk_recipients (message_id);
  """
