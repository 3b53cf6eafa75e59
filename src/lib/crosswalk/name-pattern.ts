import { ExitCode, FionaError } from '../error/index.ts'

const digits = Array.from('0123456789')
const mostNames = 1e12

/**
 * The names a pattern allows, one after the other: `ABCD-[0-9]{4}` is ABCD-0001, ABCD-0002 … ABCD-9999, ABCD-0000. The
 * n-th name is n, written with the choices of the pattern for digits, so that no two are the same. The notation is that
 * of gen-id: text as it is, `[a-z]`, `\d`, `(one|other)`, each with `{n}` behind it; `\` before a character that would
 * mean something.
 * @returns the n-th name, from 1 on; undefined when all were told
 * @throws FionaError E_CONFIG
 */
export function namesOf(pattern: string): (n: number) => string | undefined {
  const places = parse(pattern)
  const count = places.reduce((product, choices) => product * choices.length, 1)
  if (count < 2) throw badPattern(pattern, 'it allows one name only')
  const last = Math.min(count, mostNames)
  return (n) => {
    if (n > last) return undefined
    let rest = n % count
    let name = ''
    for (const choices of [...places].reverse()) {
      name = (choices[rest % choices.length] ?? '') + name
      rest = Math.floor(rest / choices.length)
    }
    return name
  }
}

/** For each place of the name what may stand there. */
function parse(pattern: string): readonly string[][] {
  const places: string[][] = []
  const piece = /\[([^\]^]+)\]|\(([^()]+)\)|\\(.)|([^[\](){}\\.+*?^$|])/gsuy
  const repeat = /\{(\d{1,2})\}/y
  for (let at = 0; at < pattern.length;) {
    piece.lastIndex = at
    const found = piece.exec(pattern)
    if (found === null)
      throw badPattern(
        pattern,
        `it means nothing from ${JSON.stringify(pattern.slice(at, at + 10))} on`,
      )
    const [whole, characters, words, escaped, literal] = found
    at += whole.length
    repeat.lastIndex = at
    const times = repeat.exec(pattern)
    at += times?.[0].length ?? 0
    const choices =
      characters !== undefined
        ? classOf(pattern, characters)
        : words !== undefined
          ? words.split('|')
          : escaped === 'd'
            ? digits
            : [escaped ?? literal ?? '']
    if (escaped !== undefined && /[a-ce-z0-9]/i.test(escaped))
      throw badPattern(pattern, `it has \\${escaped}`)
    if (new Set(choices).size !== choices.length)
      throw badPattern(pattern, 'it has the same choice twice')
    if (new Set(choices.map(({ length }) => length)).size > 1) {
      throw badPattern(
        pattern,
        'the words of a choice must be of one length, or two names could be the same',
      )
    }
    for (let time = 0; time < Number(times?.[1] ?? 1); time += 1) places.push([...choices])
  }
  return places
}

function classOf(pattern: string, characters: string): string[] {
  const found: string[] = []
  for (const [, from = '', to = from] of characters.matchAll(/(.)(?:-(.))?/gsu)) {
    const [start, end] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
    if (end < start || end - start > 100) throw badPattern(pattern, `it has ${from}-${to}`)
    for (let code = start; code <= end; code += 1) found.push(String.fromCodePoint(code))
  }
  return found
}

function badPattern(pattern: string, why: string): FionaError {
  return new FionaError(
    'E_CONFIG',
    `the pattern ${JSON.stringify(pattern)} makes no names: ${why}`,
    {
      hint: 'write text, [a-z], \\d or (one|two), each with {n} for n times: ABCD-[0-9]{4}',
      exitCode: ExitCode.badConfig,
    },
  )
}
