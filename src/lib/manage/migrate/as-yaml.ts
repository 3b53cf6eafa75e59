import { join } from 'node:path'
import { originalRules, type OriginalConfig } from '../../config/index.ts'
import type { Left } from './what-is-left.ts'

/** The fiona.yaml that means the same, for people: where each value comes from, and what has no place in it. */
export function asYaml(
  { original, config }: OriginalConfig,
  path: string,
  left: readonly Left[],
): string[] {
  const { dataDir, receiver, mpps, classification, projects } = config
  const { rules, semantics } = classification
  const has = (key: string): boolean => (original[key] ?? '') !== ''
  return [
    `# fiona.yaml, made by fiona-ctl migrate of ${quoted(path)}: to FIONA both mean the same.`,
    '# Every key that there is: share/config.example.yaml. Is it well? fiona-ctl check --config THIS_FILE',
    '',
    `dataDir: ${quoted(dataDir)} # ${has('DATADIR') ? 'DATADIR' : 'where the original keeps everything without DATADIR'}`,
    '',
    'receiver:',
    `  aeTitle: ${quoted(receiver.aeTitle)} # ${has('DICOMAETITLE') ? 'DICOMAETITLE' : 'as without DICOMAETITLE'}`,
    `  port: ${String(receiver.port)} # ${has('DICOMPORT') ? 'DICOMPORT' : 'as without DICOMPORT'}`,
    '',
    ...(mpps === undefined ? [] : ['mpps:', `  port: ${String(mpps.port)} # MPPSPORT`, '']),
    ...(rules === undefined
      ? [
          `# There is no ${originalRules} beside config.json: the rules of FIONA apply. With those of the original:`,
          '# classification:',
          `#   rules: /path/to/${originalRules}`,
          '#   semantics: compat',
        ]
      : [
          'classification:',
          `  rules: ${quoted(rules)} # beside config.json`,
          `  semantics: ${semantics} # as the original reads them; docs/rules.md tells what strict does better`,
        ]),
    '',
    ...(Object.keys(projects).length === 0 ? [] : projectLines(projects)),
    ...oldTrees(original, dataDir),
    ...leftLines(left),
  ]
}

function projectLines(projects: OriginalConfig['config']['projects']): string[] {
  return [
    'projects: # SITES',
    ...Object.entries(projects).flatMap(([name, { receiver }]) =>
      receiver === undefined
        ? [
            `  ${quoted(name)}: {} # without DICOMPORT: comes in by the common door, if a match says so`,
          ]
        : [
            `  ${quoted(name)}:`,
            '    receiver: # a door of its own: whatever comes in by it is its own',
            `      port: ${String(receiver.port)} # DICOMPORT`,
            ...(receiver.aeTitle === undefined
              ? []
              : [`      aeTitle: ${quoted(receiver.aeTitle)} # DICOMAETITLE`]),
          ],
    ),
    '',
  ]
}

/** The original has its objects elsewhere: FIONA takes them in when it is told to, and changes nothing there. */
function oldTrees(original: OriginalConfig['original'], dataDir: string): string[] {
  const sites = Object.entries((original['SITES'] ?? {}) as Record<string, { DATADIR?: unknown }>)
  return [
    "# What lies in the original's trees comes into FIONA's archive so (nothing is changed there):",
    `#   fiona-import --journal received --project default ${shellWord(join(dataDir, 'site/archive'))}`,
    ...sites.map(([name, { DATADIR }]) => {
      const tree = typeof DATADIR === 'string' && DATADIR !== '' ? DATADIR : `/data${name}`
      return `#   fiona-import --journal received --project ${shellWord(name)} ${shellWord(join(tree, 'site/archive'))}`
    }),
    '# The file enabled is obeyed as before, but for its third character: nothing is sent as it came.',
  ]
}

function leftLines(left: readonly Left[]): string[] {
  if (left.length === 0) return ['', '# Everything was carried over.']
  return [
    '',
    '# Not carried over (values stand in config.json alone: some are secrets):',
    ...left.flatMap(({ key, why, instead }) => [
      `#   ${plain.test(key) ? key : JSON.stringify(key)}: ${why}`,
      `#     ${instead}`,
    ]),
  ]
}

/** What neither YAML nor a shell takes for anything else. */
const plain = /^[A-Za-z_./][A-Za-z0-9_./-]*$/
const meaningful = /^(true|false|null|yes|no|on|off|y|n|\.nan|[-+]?\.inf|\.+)$/i

/** A text as YAML has it: in quotes, unless it can only be text. JSON's quotes are YAML's. */
function quoted(text: string): string {
  return plain.test(text) && !meaningful.test(text) ? text : visible(JSON.stringify(text))
}

/** For a shell, within a comment, which nothing may end. */
function shellWord(text: string): string {
  return plain.test(text) ? text : visible(`'${text.replaceAll("'", "'\\''")}'`)
}

/** Characters that JSON leaves as they are, and YAML or a terminal takes for ends of lines or commands. */
function visible(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
