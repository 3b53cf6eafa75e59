import { resolve } from 'node:path'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

const commands = ['find', 'list', 'export', 'import', 'verify', 'audit', 'reseal', 'key'] as const

export default defineTool({
  name: 'fiona-crosswalk',
  section: 8,
  summary: 'who is who: look-ups with an audit trail, keys, hand-over',
  description: `The crosswalk is the only link between clinical and research identities: who a participant is, and which study
    became which. fiona-anon writes it, sealed line by line (AES-256-GCM) with a key that is derived from the site's key
    file. This tool opens it. It refuses to when others may read the file.

    find, list, export and import need a --reason. Before they say or do anything, the look-up is on stable storage in
    the audit trail: who (user, login name, who called sudo), when, why, how many links it found, and what was asked
    for; identifiers of the clinic stand there as keyed digests. Entries are chained with the key, and the crosswalk
    itself notes each of them: one that is removed, changed or put in between is noticed by verify and audit.

    find tells what belongs to --patient, --participant, --study or --new-study; of several all must fit. A patient or
    participant brings all studies, a study only the one it is of. With --patient=- or --study=-
    the value is read from stdin, so that it stands in no shell history. list tells the links of one --project, export writes all (of a project) into a
    new file of mode 0600, as NDJSON, or as CSV for people.

    import FILE takes over the links of another crosswalk: an export, or the file of another machine that has the same
    key (or give its key with --old-key-file). Where they contradict, nothing is taken over: a participant who is two patients,
    a patient who is two participants in one project, a study with two new UIDs.

    verify reads all and says what is wrong. audit shows the trail; with --patient or --study what was asked about them.
    reseal writes the crosswalk anew with the current key: after a rotation, with the old key as --old-key-file, or for
    lines from before they were sealed.

    key create FILE makes a key file, key fingerprint FILE names it without telling it, so that two machines can be
    compared. key escrow FILE prints it for a safe, in lines with check characters, and key restore FILE makes the file
    again from such lines on stdin.`,
  arguments: {
    name: `${commands.join('|')} [FILE]`,
    repeated: true,
    required: true,
    describe: 'what to do; key has create, fingerprint, escrow and restore',
  },
  options: {
    patient: { type: 'string', describe: 'find, audit: a PatientID; =- reads it from stdin' },
    participant: { type: 'string', describe: 'find: a research identity' },
    study: {
      type: 'string',
      describe: 'find, audit: the original StudyInstanceUID; =- reads it from stdin',
    },
    'new-study': { type: 'string', describe: 'find: the StudyInstanceUID that research knows' },
    project: { type: 'string', describe: 'find, list, export: of this project alone' },
    reason: {
      type: 'string',
      describe: 'find, list, export, import: why this has to be known; it stays in the audit trail',
    },
    format: {
      type: 'choice',
      choices: ['ndjson', 'csv'],
      default: 'ndjson',
      describe: 'export: of the file; import reads NDJSON',
    },
    out: { type: 'path', describe: 'export: the file to make' },
    'despite-conflicts': { type: 'boolean', describe: 'import: take over what contradicts, too' },
    'without-damaged': {
      type: 'boolean',
      describe: 'reseal: leave out lines that can no longer be read',
    },
    'key-file': {
      type: 'path',
      describe: 'the key that the crosswalk is sealed with',
      configKey: 'deidentification.keyFile',
    },
    'old-key-file': {
      type: 'strings',
      describe: 'a key that lines are sealed with, too; repeatable',
    },
    crosswalk: { type: 'path', describe: 'the file', configKey: 'deidentification.crosswalk' },
    'data-dir': { type: 'path', describe: 'where the crosswalk lies', configKey: 'dataDir' },
    json: { type: 'boolean', describe: 'JSON also on a terminal' },
  },
  examples: [
    [
      'fiona-crosswalk find --participant S001 --project ABCD --reason "incidental finding, ethics 17/3"',
      'who is that?',
    ],
    [
      'fiona-crosswalk find --patient=- --reason "consent withdrawn" < id.txt',
      'which studies of a patient are out?',
    ],
    ['fiona-crosswalk verify', 'is it whole, and is the audit trail?'],
    ['fiona-crosswalk key create /etc/fiona/pseudonym.key', 'a new key'],
    ['fiona-crosswalk key escrow /etc/fiona/pseudonym.key | lpr', 'a copy for the safe'],
  ],
  files: [
    ['<dataDir>/crosswalk.ndjson', 'the crosswalk (mode 0600)'],
    ['<dataDir>/crosswalk.ndjson.audit', 'its audit trail (mode 0600)'],
    [
      '<dataDir>/crosswalk.ndjson.index',
      'its index, sealed; made anew when it is not there (mode 0600)',
    ],
  ],
  environment: [['SUDO_USER', 'who called sudo; noted in the audit trail']],
  exitCodes: {
    65: 'nothing was found; verify: something is wrong; import: it contradicts; restore: not typed in as printed',
    73: 'the file to make is there already, or cannot be made',
    77: 'others may read the crosswalk or the key, or this user may not',
    78: 'no key, or not the one the crosswalk is sealed with',
  },
  seeAlso: ['fiona-anon'],
  async run({ args, options, config, log, print, write }) {
    // What was asked for must not stand where every user of the machine can read it.
    process.title = 'fiona-crosswalk'
    const crosswalks = await import('../lib/crosswalk/index.ts')
    const [command = '', ...files] = args
    if (!(commands as readonly string[]).includes(command)) {
      throw usage(
        `there is no command ${JSON.stringify(command)}`,
        `there are ${commands.join(', ')}`,
      )
    }
    if (command === 'key') return crosswalks.runKeyCommand(files, { print, log })
    const expected = command === 'import' ? 1 : 0
    if (files.length !== expected) {
      throw usage(
        expected === 1 ? 'import needs one file' : `${command} takes no file`,
        'run fiona-crosswalk --help',
      )
    }
    const { dataDir: configured, deidentification, projects } = await config()
    const dataDir = resolve(options.dataDir ?? configured)
    const secrets = await crosswalks.readSecrets(
      { deidentification, projects },
      dataDir,
      options.keyFile,
    )
    const old = await Promise.all(options.oldKeyFile.map(crosswalks.readKeyFile))
    const desk = new crosswalks.Desk(
      options.crosswalk ?? secrets.crosswalkPath,
      [...secrets.keys, ...old] as [Buffer, ...Buffer[]],
      {
        reason: options.reason,
        print,
        write,
        isTable: process.stdout.isTTY && options.json !== true,
      },
    )
    switch (command as Exclude<(typeof commands)[number], 'key'>) {
      case 'find':
        return desk.find({
          ...options,
          patient: await given(options.patient),
          study: await given(options.study),
        })
      case 'list':
        return desk.list(options.project)
      case 'export':
        return desk.export(options.project, options.format, options.out)
      case 'import':
        return desk.import(resolve(files[0] ?? ''), options.despiteConflicts === true)
      case 'verify':
        return desk.verify()
      case 'audit':
        return desk.audit({
          patient: await given(options.patient),
          study: await given(options.study),
        })
      case 'reseal':
        return desk.reseal(options.withoutDamaged === true)
    }
  },
})

/** A value, or what stdin has in place of a `-`. */
async function given(value: string | undefined): Promise<string | undefined> {
  if (value !== '-') return value
  const { text } = await import('node:stream/consumers')
  return (await text(process.stdin)).trim()
}

function usage(message: string, hint: string): FionaError {
  return new FionaError('E_USAGE', message, { hint, exitCode: ExitCode.usage })
}
