/** `FION` in ASCII, so that file(1) and we know the file (SQLite's application_id). */
export const applicationId = 0x46494f4e
/** One more with each change of the tables: an index of another version is made again. */
export const tablesVersion = 3

/**
 * `counted` is what instance records brought, `told` what the last series or study record says: where the
 * journals of the first were pruned the second is all that is known. A request is known by its number alone: who it is of,
 * on either side, stands elsewhere. Times are milliseconds since 1970.
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
  revision INTEGER, completeTime INTEGER, reason TEXT, conflicts TEXT,
  UNIQUE (project, StudyInstanceUID)
);
CREATE INDEX study_by_time ON study (lastTime);
CREATE INDEX study_by_project ON study (project, lastTime);
CREATE TABLE series (
  id INTEGER PRIMARY KEY, study INTEGER NOT NULL, project TEXT NOT NULL,
  SeriesInstanceUID TEXT NOT NULL, firstTime INTEGER, lastTime INTEGER NOT NULL DEFAULT 0,
  Modality TEXT, SeriesNumber TEXT, SeriesDescription TEXT,
  counted INTEGER NOT NULL DEFAULT 0, countedBytes INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0, toldBytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (study, SeriesInstanceUID)
);
CREATE INDEX series_by_time ON series (lastTime);
CREATE INDEX series_by_project ON series (project, lastTime);
CREATE TABLE instance (
  series INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (series, name)
) WITHOUT ROWID;
CREATE TABLE study_type (type TEXT NOT NULL, study INTEGER NOT NULL, PRIMARY KEY (study, type)) WITHOUT ROWID;
CREATE INDEX study_by_type ON study_type (type);
CREATE TABLE series_type (type TEXT NOT NULL, series INTEGER NOT NULL, PRIMARY KEY (series, type)) WITHOUT ROWID;
CREATE INDEX series_by_type ON series_type (type);
CREATE TABLE error (
  place TEXT PRIMARY KEY, time INTEGER NOT NULL, tool TEXT, stage TEXT, code TEXT NOT NULL, message TEXT,
  retryable INTEGER NOT NULL, project TEXT, StudyInstanceUID TEXT
);
CREATE INDEX error_by_time ON error (time);
CREATE INDEX error_by_study ON error (StudyInstanceUID);
CREATE INDEX error_by_project ON error (project);
CREATE TABLE retried (place TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE project (
  name TEXT PRIMARY KEY, studies INTEGER NOT NULL DEFAULT 0, series INTEGER NOT NULL DEFAULT 0,
  instances INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, lastTime INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE request (
  requestId TEXT PRIMARY KEY, project TEXT NOT NULL, lastTime INTEGER NOT NULL DEFAULT 0,
  madeTime INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0, instances INTEGER,
  heldTime INTEGER NOT NULL DEFAULT 0, reasons TEXT, how TEXT
);
CREATE INDEX request_by_time ON request (lastTime);
CREATE INDEX request_by_project ON request (project, lastTime);
CREATE TABLE transfer (
  requestId TEXT NOT NULL, destination TEXT NOT NULL, time INTEGER NOT NULL, revision INTEGER NOT NULL,
  status TEXT NOT NULL, PRIMARY KEY (requestId, destination)
) WITHOUT ROWID;
CREATE VIEW delivery AS SELECT requestId, project, lastTime, revision, instances,
  CASE WHEN heldTime > madeTime THEN 'held' ELSE
    CASE (SELECT max(status <> 'sent') FROM transfer WHERE transfer.requestId = request.requestId
      AND transfer.revision >= request.revision)
    WHEN 1 THEN 'failed' WHEN 0 THEN 'delivered' ELSE 'waiting' END
  END AS state,
  CASE WHEN heldTime > madeTime THEN reasons END AS reasons,
  CASE WHEN heldTime > madeTime THEN how END AS how,
  (SELECT group_concat(destination, ' ') FROM transfer WHERE transfer.requestId = request.requestId) AS destinations
FROM request;
`
