import { existsSync } from 'node:fs'
import type { Layout } from '../layout/index.ts'
import { inside } from '../storage/index.ts'
import { apartByCase } from './apart-by-case.ts'
import { directoryOf, ownerBelow, type Owner } from './claim-directory.ts'

const mostRemembered = 10_000

/** The directories of one layout, in whichever project. */
export class LayoutView {
  readonly layout: Layout
  /** Where the series that went by last are: looking each time would cost more than the link. */
  readonly #known = new Map<string, string>()

  constructor(layout: Layout) {
    this.layout = layout
  }

  /**
   * @param tree the root of the view in a project
   * @param names of the directories of an object
   */
  directoryFor(tree: string, names: readonly string[], owner: Owner): string {
    const key = [tree, owner.StudyInstanceUID, owner.SeriesInstanceUID, ...names].join('/')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const directory = this.#walk(tree, names, owner)
    if (this.#known.size >= mostRemembered) this.#known.clear()
    this.#known.set(key, directory)
    return directory
  }

  /** The directory of a study, where the layout gives it one of its own and it is there. */
  existingStudy(tree: string, names: readonly string[], StudyInstanceUID: string): string[] {
    const { owners } = this.layout
    const at = owners.indexOf('study')
    if (at === -1) return []
    const directory = this.#walk(tree, names.slice(0, at + 1), {
      StudyInstanceUID,
      SeriesInstanceUID: '',
    })
    return existsSync(directory) ? [directory] : []
  }

  #walk(tree: string, names: readonly string[], owner: Owner): string {
    const { owners, directories } = this.layout
    let path = tree
    names.forEach((name, at) => {
      const level = owners[at]
      const links = directories.length - 1 - at
      if (level === undefined) path = apartByCase(inside(path, name))
      else if (level === 'study') {
        path = directoryOf(
          path,
          name,
          owner.StudyInstanceUID,
          (directory) => ownerBelow(directory, links)?.StudyInstanceUID,
        )
      } else {
        path = directoryOf(
          path,
          name,
          owner.SeriesInstanceUID,
          (directory) => ownerBelow(directory, links)?.SeriesInstanceUID,
        )
      }
    })
    return path
  }
}
