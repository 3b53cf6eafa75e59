import { commonOptions, type Tool } from './tool.ts'

/** bash completion, loaded by bash-completion under the tool's name. */
export function bashCompletion(tool: Tool): string {
  const options = Object.entries({ ...tool.options, ...commonOptions })
  const identifier = `_${tool.name.replaceAll('-', '_')}`
  const cases = options.flatMap(([name, option]) => {
    if (option.type === 'choice') {
      return [
        `    --${name}) mapfile -t COMPREPLY < <(compgen -W '${option.choices.join(' ')}' -- "$cur"); return ;;`,
      ]
    }
    if (option.type === 'path')
      return [`    --${name}) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;`]
    return []
  })
  return `# bash completion for ${tool.name} (generated from its declaration)
${identifier}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$prev" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '${options.map(([name]) => `--${name}`).join(' ')}' -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -o filenames -F ${identifier} ${tool.name}
`
}

/** zsh completion, to lie in a directory of fpath as _NAME. */
export function zshCompletion(tool: Tool): string {
  const options = Object.entries({ ...tool.options, ...commonOptions })
  const specs = options.map(([name, option]) => {
    const what = option.describe.replaceAll(/[[\]:'\\]/g, (character) =>
      character === "'" ? "'\\''" : `\\${character}`,
    )
    const repeat = '*'
    if (option.type === 'boolean') return `  '${repeat}--${name}[${what}]'`
    const action =
      option.type === 'choice'
        ? `(${option.choices.join(' ')})`
        : option.type === 'path'
          ? '_files'
          : ' '
    return `  '${repeat}--${name}=[${what}]:value:${action}'`
  })
  return `#compdef ${tool.name}
# zsh completion for ${tool.name} (generated from its declaration)
_arguments \\
${specs.join(' \\\n')} \\
  '*:file:_files'
`
}
