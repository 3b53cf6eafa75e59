import { defineTool } from '../lib/cli/index.ts'

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
  },
  examples: [
    [
      'fiona-scp --port 11112 --data-dir var | fiona-arrive | fiona-organize --data-dir var >> seen.ndjson',
      'receive and make the views',
    ],
    [
      'fiona-journal cat received | fiona-organize --data-dir var > /dev/null',
      'make the views again, after they were removed',
    ],
  ],
  files: [
    ['<dataDir>/<project>/raw/', 'links by UID, and the JSON of each series'],
    ['<dataDir>/<project>/participants/', 'links by patient, date and description'],
    ['<dataDir>/<project>/srs/', 'links to structured reports, by manufacturer and study'],
  ],
  seeAlso: ['fiona-arrive', 'fiona-classify', 'fiona-import'],
  async run({ options, config, filter }) {
    const { Organizer } = await import('../lib/organize/index.ts')
    return filter(new Organizer(options.dataDir ?? (await config()).dataDir))
  },
})
