/** Where the coefficients of a block are, in the order in which they are coded (ISO/IEC 10918-1 figure A.6). */
export const zigzag: readonly number[] = Array.from({ length: 15 }, (_, sum) => {
  const diagonal = Array.from({ length: 8 }, (__, row) => row)
    .filter((row) => sum - row >= 0 && sum - row < 8)
    .map((row) => row * 8 + (sum - row))
  // Even diagonals go up, odd ones down.
  return sum % 2 === 0 ? diagonal.reverse() : diagonal
}).flat()

const cosines = Float64Array.from({ length: 64 }, (_, at) => {
  const [place, frequency] = [at >> 3, at & 7]
  const scale = frequency === 0 ? Math.SQRT1_2 : 1
  return (scale * Math.cos(((2 * place + 1) * frequency * Math.PI) / 16)) / 2
})
const between = new Float64Array(64)

/** A.3.3, in place: rows, then columns. */
export function inverseDct(block: Float64Array): void {
  for (let row = 0; row < 64; row += 8) transform(block, between, row, 1)
  for (let column = 0; column < 8; column++) transform(between, block, column, 8)
}

function transform(from: Float64Array, to: Float64Array, start: number, step: number): void {
  for (let place = 0; place < 8; place++) {
    let sum = 0
    for (let frequency = 0; frequency < 8; frequency++) {
      sum += (from[start + frequency * step] ?? 0) * (cosines[place * 8 + frequency] ?? 0)
    }
    to[start + place * step] = sum
  }
}
