-- Journals are append-only, whoever asks.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal % is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER entry_never_changes BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER posting_never_changes BEFORE UPDATE OR DELETE ON posting FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_never_changes BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_never_goes BEFORE TRUNCATE ON entry EXECUTE FUNCTION refuse_change();
CREATE TRIGGER posting_never_goes BEFORE TRUNCATE ON posting EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_never_goes BEFORE TRUNCATE ON audit EXECUTE FUNCTION refuse_change();
