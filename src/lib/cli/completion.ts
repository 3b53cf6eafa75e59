import { commonOptionsOf, type OptionDeclaration, type Tool } from './tool.ts'

/** bash completion, loaded by bash-completion under the tool's name. */
export function bashCompletion(tool: Tool): string {
  const options = optionsOf(tool)
  const identifier = `_${tool.name.replaceAll('-', '_')}`
  const cases = options.flatMap(([name, option]) => {
    if (option.type === 'boolean') return []
    const action =
      option.type === 'choice'
        ? `mapfile -t COMPREPLY < <(compgen -W '${option.choices.join(' ')}' -- "$cur"); return`
        : option.type === 'path'
          ? `compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return`
          : 'return'
    return [`    --${name}) ${action} ;;`]
  })
  return `# bash completion for ${tool.name} (generated from its declaration)
${identifier}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  # bash takes the = of --option=value for a word of its own.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$prev" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '${options.map(([name]) => `--${name}`).join(' ')}' -- "$cur")
${tool.passThrough === true ? bashTools : ''}  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -F ${identifier} ${tool.name}
`
}

/** The tools on PATH, without their common beginning, as the first word of `fiona`. */
const bashTools = `  elif ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "fiona-$cur" | sed 's/^fiona-//' | sort -u)
`

/** zsh completion, to lie in a directory of fpath as _NAME. */
export function zshCompletion(tool: Tool): string {
  const specs = optionsOf(tool).map(([name, option]) => {
    const what = option.describe.replaceAll(/[[\]:'\\]/g, (character) =>
      character === "'" ? "'\\''" : `\\${character}`,
    )
    if (option.type === 'boolean') return `  '*--${name}[${what}]'`
    const action =
      option.type === 'choice'
        ? `(${option.choices.join(' ')})`
        : option.type === 'path'
          ? '_files'
          : ' '
    return `  '*--${name}=[${what}]:value:${action}'`
  })
  if (tool.passThrough === true) specs.push('  "1:tool:(${${(k)commands[(I)fiona-*]}#fiona-})"')
  return `#compdef ${tool.name}
# zsh completion for ${tool.name} (generated from its declaration)
_arguments \\
${specs.join(' \\\n')} \\
  '*:file:_files'
`
}

function optionsOf(tool: Tool): (readonly [string, OptionDeclaration])[] {
  return Object.entries({ ...tool.options, ...commonOptionsOf(tool) })
}
