// What fetching files needs beside what is known of them.

/// A file that is to be fetched is `pending`; only those of contacts ever are. A claim is a lease that moves `run_at`
/// to its end: a file that nobody finished falls due again by itself. `place` says where the bytes of a ready file are:
/// `database` (in `bytes`), `disk`, `provider`; null where we have never had them (a URL that we sent).
let mediaSchema = """
  ALTER TABLE media
    ADD COLUMN place text,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN run_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN lease uuid,
    ADD COLUMN error text;
  CREATE INDEX media_due ON media (run_at, id) WHERE state = 'pending';
  """
