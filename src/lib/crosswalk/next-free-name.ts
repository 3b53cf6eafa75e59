/**
 * A name that nobody has, while the one before it is given: found in few steps where names are given in order.
 * @param from where to begin: a number whose name was free when it was last looked for, else 1
 * @param name of the n-th, from 1 on; undefined when there are no more
 * @returns its number; one without a name when all are given
 */
export async function nextFreeName(
  from: number,
  name: (n: number) => string | undefined,
  isTaken: (participant: string) => Promise<boolean>,
): Promise<number> {
  const isFree = async (n: number): Promise<boolean> => {
    const participant = name(n)
    return participant === undefined || !(await isTaken(participant))
  }
  let taken = from - 1
  let free = from
  for (let step = 1; !(await isFree(free)); step *= 2) {
    taken = free
    free += step
  }
  while (free - taken > 1) {
    const middle = Math.floor((taken + free) / 2)
    if (await isFree(middle)) free = middle
    else taken = middle
  }
  // The last ones may be given, and others left free in between.
  for (let n = 1; n < free && name(free) === undefined; n += 1) if (await isFree(n)) free = n
  return free
}
