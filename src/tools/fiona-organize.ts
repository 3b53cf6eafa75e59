import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'
import type { Drift } from '../lib/organize/index.ts'

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

    A site with other habits gives --layout (more than once, if need be): the path of an object below the folder of its
    project, as in 'bids-like/{PatientID}/{StudyDate}_{StudyTime}/{SeriesNumber}_{SeriesDescription}/{SOPInstanceUID}.dcm'.
    The first name is a folder of its own. A field in braces is a DICOM keyword, or callingAET or calledAET; where an
    object has no value, unknown stands for it, or what the template says: {PatientName|nobody}. All that was said of names above
    holds: each is one escaped component, and where directories are told apart by study or by series, each has its
    own. Where two objects of one directory would have one name, the later one has ~ and a digest behind it. An unknown
    field, or a text that would need escaping, is refused at start. The links lead to those in raw, which is always made; with
    --layouts-only, participants and srs are not. --rebuild and --check need to be told the layouts
    that were in force: in a configuration they are for every tool and may differ by project. Nothing removes the
    folder of a layout that is no longer given.

    Beside each series in raw lies <SeriesInstanceUID>.json with the fields the original FIONA wrote. The
    first object decides them, but for NumFiles (the objects there are, each counted once),
    SliceLocation (the least), Modality (all there are), MeasID (the last),
    siemensDiffusionInformation (of each weighted image, up to 4096) and ClassifyType. It is written when a mark or a
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

    With --check nothing is changed, and no records are read: the views of all projects, or of that of --project, are
    held against the headers of the archive. Each thing that is not as it should be is told on stdout as a record of
    type drift, with project, view (its folder: raw, participants, srs, or that of a layout) and path, for a link also what is expected and
    what it says (found). Its field drift is missing; wrong, a link that says another thing; dangling, a link whose object is
    gone; surplus, what no object asks for; blocked, something else is in the place of a link or folder; unreadable, a
    series JSON that is none; or differs, one whose field NumFiles, Modality or SliceLocation is not what its objects
    say. Other fields of a series JSON are not compared: no header tells its types and its sender.
    --rebuild mends what is missing, wrong or unreadable, and in a series JSON NumFiles and what it lacks. The rest is
    for a person: links that are dangling or surplus are removed, then --rebuild makes the counts right; a series JSON with
    the Modality or SliceLocation of objects that are gone is removed and made again by replaying the records. Objects imported in place are looked at
    through their links in raw. An object that cannot be read is an error record. Beside a running chain, what it
    just received and has not organized yet is missing.

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
    layout: {
      type: 'strings',
      describe: 'make a view of this template, too, in every project',
      configKey: 'organize.layouts',
    },
    'layouts-only': {
      type: 'boolean',
      describe: 'make the views of layouts in place of participants and srs',
      configKey: 'organize.layoutsOnly',
    },
    rebuild: {
      type: 'boolean',
      describe: 'make the views again from the archive; reads no records',
    },
    check: {
      type: 'boolean',
      describe: 'tell what in the views is not as the archive has it; reads no records',
    },
    project: { type: 'string', describe: 'with --rebuild or --check: of this project only' },
  },
  examples: [
    [
      'fiona-scp --port 11112 --data-dir var | fiona-arrive | fiona-organize --data-dir var >> seen.ndjson',
      'receive and make the views',
    ],
    [
      "fiona-organize --rebuild --layout 'by-day/{StudyDate}/{PatientID}/{SeriesNumber}/{InstanceNumber}.dcm'",
      'make the views again from the archive, with another one for people who look by day',
    ],
    [
      "fiona-organize --check | jq -r '[.drift, .path] | @tsv'",
      'what in the views is not as it should be?',
    ],
    [
      'fiona-journal cat received | fiona-organize --data-dir var > /dev/null',
      'make them again with what only the records know: types and senders',
    ],
  ],
  files: [
    ['<dataDir>/<project>/raw/', 'links by UID, and the JSON of each series'],
    ['<dataDir>/<project>/participants/', 'links by patient, date and description'],
    ['<dataDir>/<project>/srs/', 'links to structured reports, by manufacturer and study'],
    ['<dataDir>/<project>/<folder of a layout>/', 'links as the layout has it'],
  ],
  exitCodes: {
    1: 'there are error records, or --check found something',
    65: 'there is no such archive',
    73: 'the disk is full; run it again',
    74: 'the views cannot be written, or with --check read',
    75: 'stopped by a signal before the end; run it again',
  },
  seeAlso: ['fiona-arrive', 'fiona-classify', 'fiona-import'],
  async run({ options, config, configPath, filter, log, signal, emit }) {
    const { rebuild = false, check = false, project } = options
    if (rebuild && check) throw usage('--rebuild and --check exclude each other')
    if (project !== undefined && !rebuild && !check) {
      throw usage('--project is for --rebuild and --check; records name their project')
    }
    const [organize, { errorRecord }] = await Promise.all([
      import('../lib/organize/index.ts'),
      import('../lib/record/index.ts'),
    ])
    const dataDir = options.dataDir ?? (await config()).dataDir
    // Without a configuration file there is nothing in it that the defaults do not say.
    const configured = configPath === undefined ? undefined : await config()
    const given = { layouts: options.layout, layoutsOnly: options.layoutsOnly }
    const views = organize.chooseViews(given, configured)
    if (!rebuild && !check) return filter(new organize.Organizer(dataDir, { views }))
    const failed = (path: string, error: unknown): Promise<void> =>
      emit(errorRecord('fiona-organize', error, { type: 'path', path: resolve(path) }))
    const watched = async (
      counts: { objects: number; errors: number },
      work: Promise<void>,
    ): Promise<void> => {
      const progress = isatty(2) ? organize.rebuildProgress(counts, process.stderr) : undefined
      await work.finally(() => {
        progress?.close()
      })
    }
    if (check) {
      const counts = organize.noDrift()
      const found = (drift: Drift): Promise<void> => emit({ ...drift })
      const work = organize.checkViews({ dataDir, project, views, signal, failed, found, counts })
      await watched(counts, work)
      const { objects, ...wrong } = counts
      if (signal.aborted) {
        log.warn(counts, 'stopped before the end')
        return ExitCode.tryAgain
      }
      if (Object.values(wrong).some((count) => count > 0)) {
        log.warn(counts, 'the views are not as the archive has them')
        return ExitCode.someErrors
      }
      log.info({ objects }, 'the views are as the archive has them')
      return ExitCode.ok
    }
    const counts = { objects: 0, errors: 0, foreign: 0 }
    await watched(
      counts,
      organize.rebuildViews({ dataDir, project, views, signal, failed, counts }),
    )
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

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'run fiona-organize --help',
    exitCode: ExitCode.usage,
  })
}
