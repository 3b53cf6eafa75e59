import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

export default defineTool({
  name: 'fiona-organize',
  summary: 'make the views of the archive: links by patient and by UID, a JSON for each series',
  description: `For each instance it makes two symbolic links (three for a structured report), and adds them to the record as views:

    <dataDir>/<project>/raw/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm, which leads to the
    file, and <dataDir>/<project>/participants/<PatientID>/<StudyDate>_<StudyTime>/
    <SeriesNumber>_<SeriesDescription>/<SOPInstanceUID>.dcm, which leads to the one in raw. One of
    modality SR has another in <dataDir>/<project>/srs/<Manufacturer, or _>/<StudyInstanceUID>/. A study gets its
    directories in raw and participants as views.

    Links are relative, so that the data directory can be moved; only a link to a file outside of it
    (fiona-import --in-place) is absolute. Whatever the names hold, each is one escaped component: %XX stands
    for a byte that would mean something to a file system, a shell or a terminal, and decoding it gives the value back.
    No two values have one name: where decoding cannot give the value back (it is too long, or in another form of
    Unicode), ~ and 32 digits of its digest stand behind the name. A missing value
    is written as unknown, a missing SeriesDescription as missing. Where two studies or two series would have
    the same directory, the later one has ~ and a digest of its UID behind the name.

    Beside each series in raw lies <SeriesInstanceUID>.json with the fields the original FIONA wrote. The
    first object decides them, but for NumFiles (the objects there are, each counted once),
    SliceLocation (the least), Modality (all there are) and ClassifyType. It is written when a mark or a
    series or study record comes, and at the end of the input; never half, and not for every object.

    No symbolic link in the place of one of these directories is followed: its objects become error records
    (E_VIEW_BLOCKED), and nothing is made behind it.

    With --rebuild the records come from the headers of the archive, not from stdin: the views of all projects, or of
    that of --project, are made again, beside a running chain or without one. A link that says another thing than it
    should is replaced. A series JSON that can be read keeps its fields, the types and the sender
    among them; a new one has no ClassifyType, and of the sender only what the object's header
    tells: where the JSON is lost, replay the records first. Nothing is removed. Objects outside
    of the archive (fiona-import --in-place) get their views by replaying their records. What is told on stdout is
    an error record for each object of which no view could be made. A run that was stopped is repeated.

    All of this can be made again by replaying the records; doing so changes nothing that is right. An object
    that cannot be read, or whose record tells other UIDs than its file, becomes an error record, and nothing
    leads to it.`,
  reads: ['instance', 'series', 'study'],
  adds: ['views'],
  options: {
    'data-dir': {
      type: 'path',
      describe: 'archive and views',
      configKey: 'dataDir',
    },
    rebuild: {
      type: 'boolean',
      describe: 'make the views again from the archive; reads no records',
    },
    project: { type: 'string', describe: 'with --rebuild: of this project only' },
  },
  examples: [
    [
      'fiona-scp --port 11112 --data-dir var | fiona-arrive | fiona-organize --data-dir var >> seen.ndjson',
      'receive and make the views',
    ],
    ['fiona-organize --rebuild', 'make the views again from the archive'],
    [
      'fiona-journal cat received | fiona-organize --data-dir var > /dev/null',
      'make them again with what only the records know: types and senders',
    ],
  ],
  files: [
    ['<dataDir>/<project>/raw/', 'links by UID, and the JSON of each series'],
    ['<dataDir>/<project>/participants/', 'links by patient, date and description'],
    ['<dataDir>/<project>/srs/', 'links to structured reports, by manufacturer and study'],
  ],
  exitCodes: {
    65: 'there is no such archive',
    73: 'the disk is full; run it again',
    74: 'the views cannot be written',
    75: 'stopped by a signal before the end; run it again',
  },
  seeAlso: ['fiona-arrive', 'fiona-classify', 'fiona-import'],
  async run({ options, config, filter, log, signal, emit }) {
    const { rebuild, project } = options
    if (project !== undefined && rebuild !== true) {
      throw new FionaError('E_USAGE', '--project is for --rebuild; records name their project', {
        hint: 'run fiona-organize --help',
        exitCode: ExitCode.usage,
      })
    }
    const [{ Organizer, rebuildViews, rebuildProgress }, { errorRecord }] = await Promise.all([
      import('../lib/organize/index.ts'),
      import('../lib/record/index.ts'),
    ])
    const dataDir = options.dataDir ?? (await config()).dataDir
    if (rebuild !== true) return filter(new Organizer(dataDir))
    const counts = { objects: 0, errors: 0, foreign: 0 }
    const failed = (path: string, error: FionaError): Promise<void> =>
      emit(errorRecord('fiona-organize', error, { type: 'path', path: resolve(path) }))
    const progress = isatty(2) ? rebuildProgress(counts, process.stderr) : undefined
    await rebuildViews({ dataDir, project, signal, failed, counts }).finally(() => {
      progress?.close()
    })
    if (counts.foreign > 0) {
      log.warn({ foreign: counts.foreign }, 'the archive holds what is no object; passed over')
    }
    if (signal.aborted) {
      log.warn(counts, 'stopped before the end')
      return ExitCode.tryAgain
    }
    log.info(counts, 'the views are made')
    return counts.errors > 0 ? ExitCode.someErrors : ExitCode.ok
  },
})
