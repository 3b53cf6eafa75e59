import type { Database } from '../sqlite/index.ts'

export const studyAttributes = [
  ...['PatientID', 'PatientName', 'StudyDate', 'StudyTime', 'StudyDescription'],
  ...['AccessionNumber', 'callingAET', 'calledAET'],
] as const
export const seriesAttributes = ['Modality', 'SeriesNumber', 'SeriesDescription'] as const
const counts = [
  ...['firstTime', 'lastTime', 'counted', 'countedBytes', 'told', 'toldBytes', 'types'],
] as const

/** Prepared once for a database. */
export type Statements = ReturnType<typeof prepare>

export function prepare(database: Database) {
  const set = (columns: readonly string[]) => columns.map((name) => `${name} = @${name}`).join(', ')
  return {
    studyMade: database.prepare(
      'INSERT OR IGNORE INTO study (project, StudyInstanceUID) VALUES (?, ?)',
    ),
    study: database.prepare('SELECT * FROM study WHERE project = ? AND StudyInstanceUID = ?'),
    studyWritten: database.prepare(
      `UPDATE study SET ${set([...counts, ...studyAttributes, 'revision', 'completeTime', 'reason', 'conflicts', 'kinds'])} WHERE id = @id`,
    ),
    seriesMade: database.prepare(
      'INSERT OR IGNORE INTO series (study, project, SeriesInstanceUID) VALUES (?, ?, ?)',
    ),
    series: database.prepare('SELECT * FROM series WHERE study = ? AND SeriesInstanceUID = ?'),
    seriesWritten: database.prepare(
      `UPDATE series SET ${set([...counts, ...seriesAttributes])} WHERE id = @id`,
    ),
    instance: database.prepare('INSERT OR IGNORE INTO instance (series, name) VALUES (?, ?)'),
    kindsOfSeries: database.prepare('SELECT Modality, types FROM series WHERE study = ?'),
    studyKinds: kindsOf(database, 'study'),
    seriesKinds: kindsOf(database, 'series'),
    error: database.prepare('INSERT OR IGNORE INTO error VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    isRetried: database.prepare('SELECT 1 FROM retried WHERE place = ?').pluck(),
    retried: database.prepare('INSERT OR IGNORE INTO retried VALUES (?)'),
    whereErrorIs: database.prepare(
      'SELECT project, StudyInstanceUID AS study FROM error WHERE place = ?',
    ),
    studyErrors: database.prepare(
      `INSERT INTO study_errors VALUES (?, ?, ?)
       ON CONFLICT (StudyInstanceUID, project) DO UPDATE SET open = open + excluded.open`,
    ),
    /** These answer how the request stood; empty where it is new. */
    requestMade: database.prepare(
      `INSERT INTO request (requestId, project, lastTime, madeTime, revision, instances)
       VALUES (@requestId, @project, @time, @time, @revision, @instances)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime),
         instances = CASE WHEN excluded.madeTime >= madeTime THEN excluded.instances ELSE instances END,
         revision = max(revision, excluded.revision), madeTime = max(madeTime, excluded.madeTime)
       RETURNING state`,
    ),
    requestHeld: database.prepare(
      `INSERT INTO request (requestId, project, lastTime, heldTime, reasons, how)
       VALUES (@requestId, @project, @time, @time, @reasons, @how)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime),
         reasons = CASE WHEN excluded.heldTime >= heldTime THEN excluded.reasons ELSE reasons END,
         how = CASE WHEN excluded.heldTime >= heldTime THEN excluded.how ELSE how END,
         heldTime = max(heldTime, excluded.heldTime)
       RETURNING state`,
    ),
    requestSent: database.prepare(
      `INSERT INTO request (requestId, project, lastTime) VALUES (@requestId, @project, @time)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime)
       RETURNING state`,
    ),
    /** How a request stands, by all that is known of it now. */
    requestSettled: database.prepare(
      `UPDATE request SET state = CASE WHEN heldTime > madeTime THEN 'held' ELSE
         CASE (SELECT CASE WHEN max(status <> 'sent') THEN 1 WHEN count(*) >= max(ways) THEN 0 END
           FROM transfer WHERE transfer.requestId = request.requestId
           AND transfer.revision >= request.revision)
         WHEN 1 THEN 'failed' WHEN 0 THEN 'delivered' ELSE 'waiting' END
       END WHERE requestId = ? RETURNING project, state`,
    ),
    transfer: database.prepare(
      `INSERT INTO transfer VALUES (@requestId, @destination, @time, @revision, @status, @ways)
       ON CONFLICT (requestId, destination) DO UPDATE SET
         time = excluded.time, revision = excluded.revision, status = excluded.status,
         ways = excluded.ways
       WHERE excluded.time >= transfer.time`,
    ),
    project: database.prepare(
      `INSERT INTO project VALUES (@name, @studies, @series, @instances, @bytes, @lastTime,
         @held, @failed, @delivered, @errors)
       ON CONFLICT (name) DO UPDATE SET studies = studies + excluded.studies,
         series = series + excluded.series, instances = instances + excluded.instances,
         bytes = bytes + excluded.bytes, lastTime = max(lastTime, excluded.lastTime),
         held = held + excluded.held, failed = failed + excluded.failed,
         delivered = delivered + excluded.delivered, errors = errors + excluded.errors`,
    ),
  }
}

/** In which table it stands what is asked for by a kind. */
function kindsOf(database: Database, what: 'study' | 'series') {
  const table = `${what}_kind`
  return {
    filed: database.prepare(`INSERT OR IGNORE INTO ${table} VALUES (?, ?, ?, ?)`),
    unfiled: database.prepare(
      `DELETE FROM ${table} WHERE kind = ? AND kindTime = ? AND ${what} = ?`,
    ),
  }
}
