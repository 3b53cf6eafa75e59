import { shownPath, type FilePath } from '../file-path.ts'

/** What browsers, rsync, WinSCP and copying scripts call a file, or the folder of one, that is not whole yet. */
const unfinished = /\.(?:part|partial|tmp|temp|filepart|crdownload|download|swp)$|~$/i

/** Hidden names, and those by which programs say that they are still writing. */
export function isUnfinishedName(name: FilePath): boolean {
  const text = shownPath(name)
  return text.startsWith('.') || unfinished.test(text)
}
