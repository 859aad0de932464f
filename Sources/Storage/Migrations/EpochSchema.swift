// Migration 28: which log it is that an epoch names.

/// `log_origin()` differs where the log may be another than it was: another cluster, another timeline of one (it went
/// back in time, or another server took over and may lack the last commits), another database, or tables made anew from
/// a dump. What a server does not tell is left out, on every call alike.
let epochSchema = """
  ALTER TABLE log_epoch ADD COLUMN origin text;

  CREATE FUNCTION log_origin() RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    cluster text := '';
    timeline text := '';
  BEGIN
    BEGIN
      SELECT system_identifier INTO cluster FROM pg_control_system();
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
    END;
    BEGIN
      timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
    END;
    RETURN concat_ws('/', cluster, timeline,
      (SELECT oid FROM pg_database WHERE datname = current_database()), 'log_epoch'::regclass::oid);
  END $$;
  """
