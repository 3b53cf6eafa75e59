import { LiveLine } from '../cli/index.ts'
import { counted } from '../text/index.ts'

/** How far a rebuild or a check is, on a terminal. */
export function rebuildProgress(
  counts: { readonly objects: number; readonly errors: number },
  terminal: NodeJS.WriteStream,
): LiveLine {
  const began = performance.now()
  return new LiveLine(terminal, () => {
    const { objects, errors } = counts
    const seconds = (performance.now() - began) / 1000
    const speed = Math.round((objects + errors) / seconds)
    const trouble = errors > 0 ? `, ${String(errors)} errors` : ''
    return `${counted(objects, 'object')}, ${String(speed)}/s${trouble}`
  })
}
