import { participantsLayout, reportsLayout, type Layout } from '../layout/index.ts'
import { LayoutView } from './layout-view.ts'

/** The views for people that a project has beside `raw`. */
export interface ViewChoice {
  /** A site's own, beside `participants` and `srs`. */
  readonly layouts: readonly Layout[]
  /** Instead of them. */
  readonly layoutsOnly: boolean
}

const standardViews: ViewChoice = { layouts: [], layoutsOnly: false }

/** The views of each project, and what is remembered of where things are in them. */
export class ProjectViews {
  readonly #common: readonly LayoutView[]
  readonly #own: ReadonlyMap<string, readonly LayoutView[]>

  /** @param byProject in place of the common choice */
  constructor(common = standardViews, byProject: Readonly<Record<string, ViewChoice>> = {}) {
    const standard = [participantsLayout(), reportsLayout()]
    const viewsOf = ({ layouts, layoutsOnly }: ViewChoice): LayoutView[] =>
      [...(layoutsOnly ? [] : standard), ...layouts].map((layout) => new LayoutView(layout))
    this.#common = viewsOf(common)
    this.#own = new Map(
      Object.entries(byProject).map(([project, choice]) => [project, viewsOf(choice)]),
    )
  }

  of(project: string): readonly LayoutView[] {
    return this.#own.get(project) ?? this.#common
  }

  /** The folders that views of a project may be in, with how many levels of directories each has above its links. */
  treesOf(project: string): [root: string, levels: number][] {
    const trees = new Map([participantsLayout(), reportsLayout()].map(treeOf))
    for (const { layout } of this.of(project)) trees.set(...treeOf(layout))
    return [...trees]
  }
}

function treeOf({ root, directories }: Layout): [string, number] {
  return [root, directories.length]
}
