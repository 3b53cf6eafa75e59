import rules from '../../../share/rules/default.json' with { type: 'json' }

/** FIONA's own rules, bundled with the tool: in force where no rule file is named. One definition a line. */
export const defaultRules = `[\n${rules.map((rule) => JSON.stringify(rule)).join(',\n')}\n]`
