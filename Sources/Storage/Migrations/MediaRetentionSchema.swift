// Files on the disk whose rows are gone.

/// A file on the disk goes after its row, never before: the row's end writes down, in its own transaction, that the file
/// is to be removed, whoever ends the row and however. A pending file may be under way to the disk at that moment: it
/// is looked for once its fetch is over.
let mediaRetentionSchema = """
  CREATE TABLE discarded_files (
    id uuid PRIMARY KEY,
    due_at timestamptz NOT NULL
  );
  CREATE INDEX discarded_files_due ON discarded_files (due_at);

  CREATE FUNCTION discard_file() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO discarded_files (id, due_at) VALUES (OLD.id,
      CASE WHEN OLD.state = 'pending' THEN greatest(now(), OLD.run_at) + interval '5 minutes' ELSE now() END)
    ON CONFLICT (id) DO UPDATE SET due_at = greatest(discarded_files.due_at, EXCLUDED.due_at);
    RETURN NULL;
  END $$;
  CREATE TRIGGER media_deleted AFTER DELETE ON media FOR EACH ROW
    WHEN (OLD.place = 'disk' OR OLD.state = 'pending') EXECUTE FUNCTION discard_file();
  CREATE TRIGGER media_let_go AFTER UPDATE OF place, state ON media FOR EACH ROW
    WHEN (NEW.state = 'failed' AND (OLD.place = 'disk' OR OLD.state = 'pending')) EXECUTE FUNCTION discard_file();

  CREATE INDEX media_uploads ON media (created_at) WHERE message_id IS NULL;
  CREATE INDEX media_kept ON media (created_at) WHERE place IN ('database', 'disk');
  CREATE INDEX media_of_uploads ON media (provider_url) WHERE message_id IS NOT NULL AND length(provider_url) = 36;
  """
