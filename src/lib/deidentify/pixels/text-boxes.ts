import type { Rectangle } from '../../pixels/index.ts'
import { searchError } from './run-text-search.ts'

/** Around each word, in pixels: what is left of its edges can be guessed. */
const margin = 2

/** Orientation marks and words of scanners, which tell nothing of anybody. */
const harmless = new Set('patient name study protocol date a p i l r h'.split(' '))

/**
 * Where words are in a picture that was enlarged, of a table as tesseract writes it: level, page, block, paragraph,
 * line, word, left, top, width, height, confidence, text. Level 5 is a word.
 * @throws FionaError E_OCR for anything that is no such table
 */
export function textBoxes(table: string, factor: number, confidence: number): Rectangle[] {
  const [head = '', ...lines] = table.split('\n')
  const columns = head.trimEnd().split('\t')
  const at = ['level', 'left', 'top', 'width', 'height', 'conf', 'text'].map((name) =>
    columns.indexOf(name),
  )
  if (at.includes(-1)) throw searchError('answers in a way that is not understood')
  return lines.flatMap((line): Rectangle[] => {
    if (line === '') return []
    const cells = line.split('\t')
    const [level, left, top, width, height, sureness, text = ''] = at.map((index) => cells[index])
    if (level !== '5') return []
    const numbers = [left, top, width, height, sureness].map(Number)
    if (!numbers.every(Number.isFinite))
      throw searchError('answers in a way that is not understood')
    const word = text.trim()
    const isText = [...word].length > 1 && !harmless.has(word.toLowerCase().replace(/:$/, ''))
    if (!isText || (numbers[4] ?? 0) < confidence) return []
    const [x = 0, y = 0, w = 0, h = 0] = numbers
    const start = (value: number) => Math.max(0, Math.floor(value / factor) - margin)
    const end = (value: number) => Math.ceil(value / factor) + margin
    return [[start(x), start(y), end(x + w) - start(x), end(y + h) - start(y)]]
  })
}
