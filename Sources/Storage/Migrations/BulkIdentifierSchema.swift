// Migration 30: a bulk's message that waits long gets its id when it is made.

/// `is_given`: a node was told to make the message with this id, so it must stay. What was accepted before this column
/// there was counts as given. This replaces what migration 14 says of ids that are fixed from the start.
let bulkIdentifierSchema = """
  ALTER TABLE bulk_recipients ADD COLUMN is_given boolean NOT NULL DEFAULT true;
  """
