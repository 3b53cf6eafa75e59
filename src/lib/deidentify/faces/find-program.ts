import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'

/** Is there such a program, as spawn(2) would look for it, and may we start it? */
export function isExecutable(program: string): boolean {
  if (program.includes('/')) return isProgram(program)
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '')
  return folders.some((folder) => isProgram(join(folder, program)))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
