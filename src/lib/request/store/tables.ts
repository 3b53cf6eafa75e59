/** `FIOR` in ASCII (SQLite's application_id). */
export const applicationId = 0x46494f52
export const tablesVersion = 1

/**
 * `owner` is the stage whose studies they are, `hand` outside of stages: each says what is its own. A study is kept as it came last, to be
 * matched again. `binding` says who is who, by keyed hashes: of a participant's patients the first is the one it was made for (`alias` 0), others
 * were said by a person to be the same. `told` holds what was not asked for by a record of the input until it is known to have arrived.
 * Times are milliseconds since 1970.
 */
export const tables = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE study (
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, StudyInstanceUID TEXT NOT NULL,
  AccessionNumber TEXT, PatientID TEXT, patient BLOB NOT NULL, folded BLOB NOT NULL, revision INTEGER NOT NULL, record TEXT NOT NULL,
  state TEXT NOT NULL, since INTEGER NOT NULL, why TEXT NOT NULL,
  UNIQUE (owner, key)
);
CREATE INDEX study_by_state ON study (owner, state, id);
CREATE INDEX study_by_uid ON study (StudyInstanceUID);
CREATE INDEX study_by_accession ON study (AccessionNumber);
CREATE INDEX study_by_patient ON study (PatientID);
CREATE TABLE request (
  key TEXT NOT NULL, project TEXT NOT NULL, participant TEXT NOT NULL, event TEXT NOT NULL,
  requestId TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, requestedBy TEXT NOT NULL, patient BLOB NOT NULL,
  withdrawn INTEGER,
  PRIMARY KEY (key, project, participant, event)
) WITHOUT ROWID;
CREATE INDEX request_by_participant ON request (project, participant);
CREATE TABLE held (
  key TEXT NOT NULL, project TEXT NOT NULL, requestId TEXT NOT NULL, reasons TEXT NOT NULL, since INTEGER NOT NULL,
  PRIMARY KEY (key, project)
) WITHOUT ROWID;
CREATE TABLE hand (
  id INTEGER PRIMARY KEY AUTOINCREMENT, StudyInstanceUID TEXT NOT NULL, project TEXT NOT NULL, participant TEXT, event TEXT,
  samePatient INTEGER NOT NULL, who TEXT NOT NULL, time INTEGER NOT NULL,
  UNIQUE (StudyInstanceUID, project) ON CONFLICT REPLACE
);
CREATE TABLE binding (
  project TEXT NOT NULL, participant TEXT NOT NULL, patient BLOB NOT NULL, folded BLOB NOT NULL,
  alias INTEGER NOT NULL, allocated INTEGER NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (project, patient, participant)
) WITHOUT ROWID;
CREATE UNIQUE INDEX binding_is_of_one ON binding (project, participant) WHERE alias = 0;
CREATE INDEX binding_by_folded ON binding (project, folded);
CREATE TABLE told (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, records TEXT NOT NULL
);
CREATE TABLE row_seen (source TEXT NOT NULL, row BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (source, row)) WITHOUT ROWID;
`
