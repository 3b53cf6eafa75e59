import { ExitCode } from '../lib/error/index.ts'
import { defineTool } from '../lib/cli/index.ts'

export default defineTool({
  name: 'fiona-classify',
  summary: 'say what arrived: add ClassifyType to instances, series and studies',
  description: `Reads the header of each object and adds the types that the rules give it: modality, localizer,
    phantom, pixels that may name somebody, or whatever a site's own rule file says. The rule file has the
    format of the original FIONA's classifyRules.json; docs/rules.md explains it.

    A series gets the types of its objects, a study those of its series, in the order of the rule file, each
    once. What went by is remembered; of a series or study that did not, the headers are read where the
    record says they are.

    In strict semantics what an object lacks matches no rule; SeriesLevel means all objects of a series, and
    StudyLevel all of a study.
    compat is for rule files that depend on what the original did: a comparison with what is no number
    passes, types add up over the objects of a series, and a rule sees only types found before.

    A rule file that is changed is taken while the tool runs, within some seconds. One with a mistake is not:
    the log says what is wrong, and the rules from before stay in force.

    --test reads no records but a file of cases: attributes of an object or a series, or a record, each with
    a name and all the types that it should get. Of each that gets others it prints which, and what the
    rules saw. Values of the cases stand in that.

    A record whose object cannot be read becomes an error record in its place, and the stream goes on.`,
  reads: ['instance', 'series', 'study'],
  adds: ['ClassifyType', 'classifyTrace'],
  options: {
    rules: {
      type: 'path',
      describe: 'rule file (JSON); without one the default rules apply',
      configKey: 'classification.rules',
    },
    semantics: {
      type: 'choice',
      choices: ['strict', 'compat'],
      describe: 'how missing and odd values count (default: strict)',
      configKey: 'classification.semantics',
    },
    explain: {
      type: 'boolean',
      describe: 'add classifyTrace: why each rule did or did not match, with values of the object',
    },
    lint: {
      type: 'boolean',
      describe: 'check the rule file, print what is wrong with it, and stop',
    },
    test: {
      type: 'path',
      describe: 'hold the rules against cases (NDJSON), print what differs and why, and stop',
    },
  },
  examples: [
    [
      'fiona-import --in-place study/ | fiona-classify --rules classifyRules.json | jq .ClassifyType',
      'what is in this folder?',
    ],
    [
      'fiona-journal cat received | fiona-classify --rules new.json --explain | jq .classifyTrace',
      'try new rules on what came already',
    ],
    ['fiona-classify --rules new.json --lint', 'is the rule file right?'],
    ['fiona-classify --rules new.json --test cases.ndjson', 'does it still give what it should?'],
  ],
  exitCodes: {
    1: 'error records were written; with --test, a case got other types than expected',
    65: 'the test file has a mistake: line, column and text are on stderr',
    78: 'the rule file has a mistake: line, column and text are on stderr',
  },
  seeAlso: ['fiona-arrive', 'fiona-organize', 'fiona-import'],
  async run({ options, config, configPath, log, filter, print }) {
    const { Classifier, RuleSet, WatchedRules, formatProblem, lintRules, loadCases, testCase } =
      await import('../lib/classify/index.ts')
    // Without a configuration file there is nothing in it that the defaults do not say.
    const configured = configPath === undefined ? undefined : (await config()).classification
    const path = options.rules ?? configured?.rules
    const semantics = options.semantics ?? configured?.semantics ?? 'strict'
    if (options.lint === true) {
      const { name, definitions, problems } = await lintRules(path, semantics)
      for (const problem of problems) await print(formatProblem(name, problem))
      const mistakes = problems.filter(({ severity }) => severity === 'mistake').length
      if (mistakes > 0) return ExitCode.badConfig
      await print(`${name}: ${String(definitions)} definitions, no mistakes`)
      return ExitCode.ok
    }
    if (options.test !== undefined) {
      const rules = await RuleSet.load(path, semantics)
      const cases = await loadCases(options.test)
      let differ = 0
      for (const each of cases) {
        const lines = await testCase(rules, each, options.test)
        if (lines.length > 0) differ += 1
        for (const line of lines) await print(line)
      }
      process.stderr.write(
        `${rules.name}: ${String(differ)} of ${String(cases.length)} cases differ\n`,
      )
      return differ > 0 ? ExitCode.someErrors : ExitCode.ok
    }
    const watched =
      path === undefined ? undefined : await WatchedRules.open(path, semantics, performance.now())
    const rules = watched?.rules ?? (await RuleSet.load(undefined, semantics))
    const warn = ({ name, warnings }: typeof rules): void => {
      if (warnings.length > 0) {
        log.warn(`${name}: ${String(warnings.length)} warnings; --lint shows them`)
      }
    }
    warn(rules)
    const classifier = new Classifier(rules, { explain: options.explain ?? false })
    return filter({
      handles: ['instance', 'series', 'study'],
      record: (record) => classifier.classify(record),
      ...(watched === undefined
        ? {}
        : {
            timer: {
              dueAt: () => watched.dueAt(),
              fire: async (nowMs) => {
                const change = await watched.look(nowMs)
                if (change === undefined) return undefined
                if ('rules' in change) {
                  classifier.useRules(change.rules)
                  log.info(
                    `${change.rules.name} has changed: ${String(change.rules.definitions)} definitions are in force`,
                  )
                  warn(change.rules)
                } else {
                  log.error(
                    `the changed rules are not taken, those from before stay in force: ${change.refused.message}`,
                  )
                }
                return undefined
              },
            },
          }),
    })
  },
})
