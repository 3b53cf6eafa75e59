import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { inProject } from '../fixtures/peers.ts'

/** The units in a directory of the test's, `<root>/units`. */
export function copiedUnits(t: Test): { readonly root: string; readonly units: string } {
  const root = mkdtempSync(join(tmpdir(), 'fiona-units-'))
  t.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const units = join(root, 'units')
  cpSync(inProject('systemd'), units, { recursive: true })
  return { root, units }
}
