/** Letters of five by seven dots, drawn for these tests. */
const letters: Readonly<Record<string, string>> = {
  A: '01110 10001 10001 11111 10001 10001 10001',
  D: '11110 10001 10001 10001 10001 10001 11110',
  E: '11111 10000 10000 11110 10000 10000 11111',
  H: '10001 10001 10001 11111 10001 10001 10001',
  I: '01110 00100 00100 00100 00100 00100 01110',
  M: '10001 11011 10101 10101 10001 10001 10001',
  N: '10001 11001 10101 10101 10011 10001 10001',
  P: '11110 10001 10001 11110 10000 10000 10000',
  R: '11110 10001 10001 11110 10100 10010 10001',
  S: '01111 10000 10000 01110 00001 00001 11110',
  T: '11111 00100 00100 00100 00100 00100 00100',
}

/** Which pixels of an image are lit by a word at that place; a dot is a square of `size` pixels. */
export function lettering(
  word: string,
  left: number,
  top: number,
  size = 3,
): [x: number, y: number][] {
  return [...word].flatMap((letter, index) =>
    (letters[letter] ?? '').split(' ').flatMap((row, y) =>
      [...row].flatMap((dot, x): [number, number][] => {
        if (dot === '0') return []
        return Array.from({ length: size * size }, (_, at) => [
          left + (index * 6 + x) * size + (at % size),
          top + y * size + Math.floor(at / size),
        ])
      }),
    ),
  )
}
