// A part of `npm run test:system`: a site that runs an earlier version, with work in hand, gets this one.
import { appendFileSync, cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  answers,
  boot,
  check,
  ctl,
  inside,
  isActive,
  mainPid,
  run,
  until,
} from './booted-system.mjs'
import { makeDemoStudy } from '../src/lib/demo/make-demo-study.ts'

const services = [
  'fiona-scp@default',
  'fiona-front-door',
  'fiona-stage@organize',
  'fiona-stage@deidentify',
  'fiona-stage@deliver',
]
/** The demonstration's second study is the one that a person must look at. */
const firstStudy = 9

/**
 * @param root a Debian system without FIONA
 * @param packages folders with one package each
 */
export async function testUpgrade(root, packages) {
  for (const [name, folder] of Object.entries(packages)) {
    cpSync(folder, join(root, 'root', name), { recursive: true })
  }
  run('chroot', root, 'sh', '-c', 'dpkg -i /root/earlier/fiona_*.deb')
  mkdirSync(join(root, 'root/study'))
  const { files } = await makeDemoStudy(join(root, 'root/study'))
  const paths = files.map(({ path }) => path.slice(root.length))
  const [first, second] = [paths.slice(0, firstStudy), paths.slice(firstStudy)]

  appendFileSync(
    join(root, 'etc/fiona/fiona.yaml'),
    'arrival: { quietSeconds: 2 } # of this site\n',
  )
  await boot(root)
  await until('the earlier version answers', () => answers('FIONA', 11112))
  send(first)
  await until('it delivers a study', () => lines('sent', 'transfer') === 1)
  await configure(2, 600)
  send(second.slice(0, 2))
  await until('it has a study in hand', () => lines('organized', 'instance') === firstStudy + 2)
  const head = () => inside('head -1 /var/lib/fiona/state/fiona-arrive/organize/log')
  check('its state has an earlier format', head().includes('"version":2'), head())

  const kept = () =>
    inside(
      'sha256sum /etc/fiona/fiona.yaml /etc/fiona/pseudonym.key; find /var/lib/fiona/default/archive -type f -exec sha256sum {} + | sort; fiona-journal cat received | sha256sum; fiona-journal cat sent | sha256sum',
    )
  const [before, pids] = [kept(), services.map(mainPid)]
  inside('dpkg -i /root/package/fiona_*.deb')
  check('configuration, key, archive and journals are as they were', kept() === before)
  await until('every service runs', () => services.every(isActive))
  check(
    'every service is of the new version',
    services.map(mainPid).every((pid, at) => pid !== pids[at]),
  )
  await until('it answers', () => answers('FIONA', 11112))
  await until('the state is read and written anew', () => head().includes('"version":3'))
  check('what the new version has more runs, too', isActive('fiona-front-door@organized'))
  check('fiona-ctl check has no error', ctl('check').status === 0, ctl('check').output)

  // Whoever got no answer during the upgrade sends again.
  send(first)
  send(second)
  await configure(600, 2)
  await until('the study that was in hand is held for a person', () => lines('held') === 1)
  await until(
    'each study is complete, once',
    () => lines('organized', 'study') === 2 && lines('received', 'instance') === 23,
  )
  check('it has all its objects', inside(studies).includes('"instances":3'), inside(studies))
  check('nothing was delivered twice', lines('sent', 'transfer') === 1)
  check('no error record was written', lines('errors') === 0)
  check('status: all is well', ctl('status').status === 0, ctl('status').output)
}

const studies = 'fiona-journal cat organized --type study | grep -o \'"instances":[0-9]*,"bytes\''

function send(paths) {
  inside(`storescu -aec FIONA 127.0.0.1 11112 ${paths.join(' ')}`)
}

function lines(journal, type) {
  const only = type === undefined ? '' : `--type ${type}`
  return Number(inside(`fiona-journal cat ${journal} ${only} | wc -l`))
}

/** Another quiet time. */
async function configure(from, to) {
  const change = `sed -i 's/quietSeconds: ${from} /quietSeconds: ${to} /' /etc/fiona/fiona.yaml`
  inside(`${change} && systemctl restart fiona.target`)
  await until(`it answers with ${to} quiet seconds`, () => answers('FIONA', 11112))
}
