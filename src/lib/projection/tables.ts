/** `FION` in ASCII, so that file(1) and we know the file (SQLite's application_id). */
export const applicationId = 0x46494f4e
/** One more with each change of the tables: an index of another version is made again. */
export const tablesVersion = 4

/**
 * `counted` is what instance records brought, `told` what the last series or study record says: where the
 * journals of the first were pruned the second is all that is known. A request is known by its number alone: who it is of,
 * on either side, stands elsewhere. Times are milliseconds since 1970. What a list asks of many rows is worked out when it
 * changes and stands in a column: `state` of a request, the counts of a project, the kinds of studies and series, the errors
 * of a study that nobody has handed in again (of no project where their record names none: there `project` is empty). An index
 * that is walked in the order of time has the project behind it: of another project's rows no more is read than that.
 */
export const tables = `
CREATE TABLE cursor (
  journal TEXT NOT NULL, segment TEXT NOT NULL, offset INTEGER NOT NULL,
  PRIMARY KEY (journal, segment)
) WITHOUT ROWID;
CREATE TABLE study (
  id INTEGER PRIMARY KEY, project TEXT NOT NULL, StudyInstanceUID TEXT NOT NULL,
  firstTime INTEGER, lastTime INTEGER NOT NULL DEFAULT 0,
  PatientID TEXT, PatientName TEXT, StudyDate TEXT, StudyTime TEXT, StudyDescription TEXT,
  AccessionNumber TEXT, callingAET TEXT, calledAET TEXT,
  counted INTEGER NOT NULL DEFAULT 0, countedBytes INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0, toldBytes INTEGER NOT NULL DEFAULT 0,
  revision INTEGER, completeTime INTEGER, reason TEXT, conflicts TEXT, types TEXT, kinds TEXT,
  UNIQUE (project, StudyInstanceUID)
);
CREATE INDEX study_by_time ON study (lastTime);
CREATE INDEX study_by_project ON study (project, lastTime);
CREATE TABLE series (
  id INTEGER PRIMARY KEY, study INTEGER NOT NULL, project TEXT NOT NULL,
  SeriesInstanceUID TEXT NOT NULL, firstTime INTEGER, lastTime INTEGER NOT NULL DEFAULT 0,
  Modality TEXT, SeriesNumber TEXT, SeriesDescription TEXT,
  counted INTEGER NOT NULL DEFAULT 0, countedBytes INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0, toldBytes INTEGER NOT NULL DEFAULT 0, types TEXT,
  UNIQUE (study, SeriesInstanceUID)
);
CREATE INDEX series_by_time ON series (lastTime);
CREATE INDEX series_by_project ON series (project, lastTime);
CREATE TABLE instance (
  series INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (series, name)
) WITHOUT ROWID;
CREATE TABLE study_kind (
  kind TEXT NOT NULL, kindTime INTEGER NOT NULL, study INTEGER NOT NULL, kindProject TEXT NOT NULL,
  PRIMARY KEY (kind, kindTime, study)
) WITHOUT ROWID;
CREATE TABLE series_kind (
  kind TEXT NOT NULL, kindTime INTEGER NOT NULL, series INTEGER NOT NULL, kindProject TEXT NOT NULL,
  PRIMARY KEY (kind, kindTime, series)
) WITHOUT ROWID;
CREATE TABLE error (
  place TEXT PRIMARY KEY, time INTEGER NOT NULL, tool TEXT, stage TEXT, code TEXT NOT NULL, message TEXT,
  retryable INTEGER NOT NULL, project TEXT, StudyInstanceUID TEXT
);
CREATE INDEX error_by_time ON error (time);
CREATE INDEX error_by_project ON error (project, time);
CREATE INDEX error_by_code ON error (code, time, project);
CREATE TABLE study_errors (
  StudyInstanceUID TEXT NOT NULL, project TEXT NOT NULL, open INTEGER NOT NULL,
  PRIMARY KEY (StudyInstanceUID, project)
) WITHOUT ROWID;
CREATE TABLE retried (place TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE project (
  name TEXT PRIMARY KEY, studies INTEGER NOT NULL DEFAULT 0, series INTEGER NOT NULL DEFAULT 0,
  instances INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, lastTime INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE request (
  requestId TEXT PRIMARY KEY, project TEXT NOT NULL, lastTime INTEGER NOT NULL DEFAULT 0,
  madeTime INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0, instances INTEGER,
  heldTime INTEGER NOT NULL DEFAULT 0, reasons TEXT, how TEXT, state TEXT NOT NULL DEFAULT ''
);
CREATE INDEX request_by_time ON request (lastTime);
CREATE INDEX request_by_project ON request (project, lastTime);
CREATE INDEX request_by_state ON request (state, lastTime, project);
CREATE TABLE transfer (
  requestId TEXT NOT NULL, destination TEXT NOT NULL, time INTEGER NOT NULL, revision INTEGER NOT NULL,
  status TEXT NOT NULL, ways INTEGER NOT NULL, PRIMARY KEY (requestId, destination)
) WITHOUT ROWID;
`
