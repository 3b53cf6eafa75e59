/**
 * Results in the order of the items, of which some are worked on at a time. What fails is thrown in its turn, when all
 * that was begun has ended.
 */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  most: number,
): AsyncGenerator<Result, void, undefined> {
  const ahead: Promise<Result>[] = []
  let next = 0
  try {
    while (next < items.length || ahead.length > 0) {
      while (next < items.length && ahead.length < most) ahead.push(work(items[next++] as Item))
      yield await (ahead.shift() as Promise<Result>)
    }
  } finally {
    await Promise.allSettled(ahead)
  }
}
