/** `[x, y, width, height]` in pixels from the upper left corner. */
export type Rectangle = readonly [x: number, y: number, width: number, height: number]

/** From a column up to, not including, another. */
export type Span = readonly [start: number, end: number]

/** Rows in which the same columns are masked. */
export interface Band {
  readonly top: number
  /** The first row behind it. */
  readonly bottom: number
  /** In order, apart from each other, none of them empty. */
  readonly spans: readonly Span[]
}

/** The part of an image that is to be blank. Whatever rectangles it is made of, it lies within the image. */
export class PixelMask {
  /** In order, those without spans left out. */
  readonly bands: readonly Band[]
  readonly rows: number
  readonly columns: number

  private constructor(bands: readonly Band[], rows: number, columns: number) {
    this.bands = bands.filter(({ spans }) => spans.length > 0)
    this.rows = rows
    this.columns = columns
  }

  /** What of the rectangles is within an image of that size. */
  static of(rectangles: readonly Rectangle[], rows: number, columns: number): PixelMask {
    return new PixelMask(bandsOf(rectangles, rows, columns), rows, columns)
  }

  /** All of the image but the rectangles. */
  static outside(rectangles: readonly Rectangle[], rows: number, columns: number): PixelMask {
    const inverted = bandsOf(rectangles, rows, columns).map(({ top, bottom, spans }) => ({
      top,
      bottom,
      spans: gapsOf(spans, columns),
    }))
    return new PixelMask(inverted, rows, columns)
  }

  get isEmpty(): boolean {
    return this.bands.length === 0
  }

  /** As rectangles that do not overlap. */
  rectangles(): Rectangle[] {
    return this.bands.flatMap(({ top, bottom, spans }) =>
      spans.map(([start, end]) => [start, top, end - start, bottom - top] as const),
    )
  }

  /** Is any pixel of this part of the image masked? The ends are not included. */
  touches(left: number, top: number, right: number, bottom: number): boolean {
    return this.bands.some(
      (band) =>
        band.top < bottom &&
        band.bottom > top &&
        band.spans.some(([start, end]) => start < right && end > left),
    )
  }
}

/** All rows of the image, cut wherever a rectangle begins or ends. */
function bandsOf(rectangles: readonly Rectangle[], rows: number, columns: number): Band[] {
  const inside = rectangles
    .map(([x, y, width, height]) => ({
      left: Math.max(0, x),
      top: Math.max(0, y),
      right: Math.min(columns, x + width),
      bottom: Math.min(rows, y + height),
    }))
    .filter(({ left, top, right, bottom }) => left < right && top < bottom)
  const cuts = new Set([0, rows, ...inside.flatMap(({ top, bottom }) => [top, bottom])])
  const edges = [...cuts].sort((a, b) => a - b)
  return edges.slice(1).map((bottom, at) => {
    const top = edges[at] ?? 0
    const spans = inside
      .filter((one) => one.top <= top && one.bottom >= bottom)
      .map(({ left, right }): Span => [left, right])
    return { top, bottom, spans: joined(spans) }
  })
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const [start, end] of spans.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1)
    if (last === undefined || start > last[1]) result.push([start, end])
    else result[result.length - 1] = [last[0], Math.max(last[1], end)]
  }
  return result
}

function gapsOf(spans: readonly Span[], columns: number): Span[] {
  const ends = [0, ...spans.map(([, end]) => end)]
  const starts = [...spans.map(([start]) => start), columns]
  return ends
    .map((end, at): Span => [end, starts[at] ?? columns])
    .filter(([start, end]) => start < end)
}
