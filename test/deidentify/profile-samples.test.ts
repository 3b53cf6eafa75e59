import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkProfile } from '../../src/lib/deidentify/index.ts'
import { projectRoot } from '../fixtures/peers.ts'
import { newSite } from './deidentified.ts'

t.test('every profile that is shipped has no mistake', async (t) => {
  const folder = join(projectRoot, 'share/profiles')
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  t.ok(names.length >= 4)
  for (const name of names) {
    const { problems, profile } = await checkProfile(join(folder, name))
    t.ok(profile, `${name}: ${JSON.stringify(problems)}`)
    const isOld = name === 'continue-fiona.yaml'
    const weak = problems.filter(({ message }) => message.includes('without a secret'))
    t.equal(
      weak.length > 0,
      isOld,
      `${name} is keyed, but for the one that goes on with the original`,
    )
  }
})

t.test('so has every example of the manual', async (t) => {
  const manual = readFileSync(join(projectRoot, 'docs/profiles.md'), 'utf8')
  const examples = Array.from(manual.matchAll(/^```yaml\n(.*?)^```/gms), ([, text = '']) => text)
  t.ok(examples.length >= 4)
  for (const example of examples) {
    const path = join(newSite().root, 'example.yaml')
    writeFileSync(path, example)
    const { problems, profile } = await checkProfile(path)
    t.ok(profile, `${example}\n${JSON.stringify(problems)}`)
  }
})

t.test('the manual names every key, action and option', async (t) => {
  const manual = readFileSync(join(projectRoot, 'docs/profiles.md'), 'utf8')
  const schema = JSON.parse(
    readFileSync(join(projectRoot, 'docs/schema/profile.json'), 'utf8'),
  ) as { properties: Record<string, { items?: { properties?: { action?: { enum: string[] } } } }> }
  const actions = schema.properties['rules']?.items?.properties?.action?.enum ?? []
  t.ok(actions.length > 10)
  for (const name of [...Object.keys(schema.properties), ...actions]) {
    t.ok(manual.includes(`\`${name}\``), name)
  }
})
