// `npm run test:system`: FIONA as a site has it. A Debian system is made with debootstrap, the package installed, the
// system booted with systemd-nspawn (without network), fed by storescu, parts and the whole of it killed, booted again,
// and the package removed. Needs root, a mirror of Debian (FIONA_DEBIAN_MIRROR, default deb.debian.org) and minutes;
// fewer where FIONA_DEBIAN_ROOT is a folder with what debootstrap made before: it is copied.
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  answers,
  boot,
  check,
  ctl,
  hasLine,
  inside,
  isActive,
  mainPid,
  outcome,
  part,
  powerCut,
  run,
  status,
  tryInside,
  until,
} from './booted-system.mjs'
import { packageEarlier } from './earlier-package.mjs'
import { testUpgrade } from './test-upgrade.mjs'
import { makeDemoStudy } from '../src/lib/demo/make-demo-study.ts'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
const mirror = process.env.FIONA_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
const include = 'systemd,systemd-sysv,dbus,nodejs,dcmtk,adduser,procps'
const work = mkdtempSync(join(tmpdir(), 'fiona-system-'))
const root = join(work, 'root')
const services = [
  'fiona-scp@default',
  'fiona-front-door',
  'fiona-front-door@organized',
  'fiona-stage@organize',
  'fiona-stage@deidentify',
  'fiona-stage@deliver',
  'fiona-index',
]

try {
  requireTools()
  run(process.execPath, 'scripts/package.mjs', join(work, 'package'))
  await test()
  await powerCut()
  rmSync(root, { recursive: true, force: true })
  await upgrade()
} catch (error) {
  console.error(error)
  check('the test comes to its end', false)
} finally {
  await powerCut()
  // Nothing of ours is mounted there any more; what is left is a folder.
  if (process.env.FIONA_KEEP_SYSTEM === undefined) rmSync(work, { recursive: true, force: true })
  else console.log(`kept: ${work}`)
}
const { passed, failed } = outcome()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

async function upgrade() {
  if (!packageEarlier(work, join(work, 'earlier-package'))) {
    console.log('# the upgrade is not tested: this clone does not have the earlier version')
    return
  }
  makeDebian()
  await testUpgrade(root, {
    earlier: join(work, 'earlier-package'),
    package: join(work, 'package'),
  })
}

function makeDebian() {
  const made = process.env.FIONA_DEBIAN_ROOT
  if (made !== undefined) return run('cp', '-a', made, root)
  run('debootstrap', '--variant=minbase', `--include=${include}`, 'trixie', root, mirror)
}

async function test() {
  makeDebian()
  cpSync(join(work, 'package'), join(root, 'root/package'), { recursive: true })
  run('chroot', root, 'sh', '-c', 'dpkg -i /root/package/fiona_*.deb')
  mkdirSync(join(root, 'root/study'))
  const { files } = await makeDemoStudy(join(root, 'root/study'))
  // A slice: of a report DCMTK sends another encoding of the same, which counts as another object.
  const slice = files[0].path.slice(root.length)

  await boot(root)
  for (const service of services) check(`${service} runs`, isActive(service))
  check('the key is root’s alone', inside('stat -c %U:%a /etc/fiona/pseudonym.key') === 'root:600')
  check(
    'the configuration is root’s, and read by fiona',
    inside('stat -c %U:%G:%a /etc/fiona/fiona.yaml') === 'root:fiona:640',
  )
  for (const service of services) {
    const pid = mainPid(service)
    const others = tryInside(
      `nsenter -t ${pid} -m setpriv --reuid fiona --regid fiona --clear-groups sh -c 'cat /etc/fiona/pseudonym.key /run/credentials/*/pseudonym.key | wc -c' 2>/dev/null`,
    )
    const expected = service === 'fiona-stage@deidentify' ? '32' : '0'
    check(`${service} reads ${expected} bytes of the key`, others === expected, others)
  }
  const named = inside(
    `journalctl -b -u fiona-scp@default -o json | grep '"FIONA_DOOR":"default"' | wc -l`,
  )
  check('lines in the journal say which door they are of', Number(named) > 0)

  const plain = inside(
    `journalctl -b -u fiona-scp@default -p 6..6 -o cat | grep -c '^{"level":30' || true`,
  )
  check('lines of the log have their priority in the journal', Number(plain) > 0)

  for (const service of services) await killed(service)
  await hung('fiona-stage@organize')
  await hung('fiona-scp@default')
  await managed()
  await crashLoop()
  wrongConfiguration()
  await frontDoor(slice)
  await killedUnderLoad()
  await furtherParts(slice)
  jobs()
  inside(`storescu -aec FIONA 127.0.0.1 11112 $(find /root/study -type f -name '*2*' | head -4)`)
  inside(`kill -9 ${mainPid('fiona-stage@organize')} ${mainPid('fiona-stage@deidentify')}`)
  inside(`storescu -aec FIONA 127.0.0.1 11112 $(find /root/study -type f)`)
  await powerCut()

  await boot(root)
  const archived = () => Number(inside(`find /var/lib/fiona/default/archive -name '*.dcm' | wc -l`))
  check(
    'everything acknowledged is in the archive after a power cut',
    archived() === files.length,
    `${archived()} of ${files.length}`,
  )
  await until(
    'the study is delivered',
    () => inside(`find /var/lib/fiona/delivered -name '*.dcm' | wc -l`) !== '0',
  )
  await until(
    'the other one is held for a person',
    () => inside('fiona-journal cat held | wc -l') !== '0',
  )
  const complete = (instances) =>
    inside(
      `fiona-journal cat organized --type study | grep -c '"instances":${instances},"bytes"' || true`,
    )
  await until('both studies are complete', () => complete(9) !== '0' && complete(3) !== '0')
  await until('every stage has come to its end', () =>
    status().stages.every(({ lag }) => lag === 0),
  )
  const errors = inside('fiona-journal cat errors')
  check('no error record was written', errors === '', errors)

  inside('systemctl restart fiona.target')
  await until('all run after a restart', () => services.every(isActive))
  check('its timer waits after a boot, too', isActive('fiona-job-prune.timer'))
  check('disable of the common door', ctl('disable default').status === 0)
  appendFileSync(join(root, 'etc/fiona/fiona.yaml'), '# of this site\n')
  inside('dpkg -r fiona')
  const mask = join(root, 'etc/systemd/system/fiona-scp@default.service')
  check(
    'removed, it leaves no pipe that a writer waits for',
    inside('ls /run/fiona 2>/dev/null | wc -l') === '0',
  )
  check('what is disabled stays so', isLink(mask))
  inside('dpkg -i /root/package/fiona_*.deb')
  check(
    'installed again, the configuration is the site’s',
    readFileSync(join(root, 'etc/fiona/fiona.yaml'), 'utf8').endsWith('# of this site\n'),
  )
  check('the common door is still closed', !answers('FIONA', 11112))
  inside('dpkg --purge fiona')
  check('purged, the mask is gone', !isLink(mask))
  check(
    'and every link of the target',
    inside('find /etc/systemd/system -lname "*fiona*" | wc -l') === '0',
  )
  check('and the configuration', !existsSync(join(root, 'etc/fiona/fiona.yaml')))
  check(
    'no service is left',
    inside(`systemctl list-units --no-legend 'fiona*' | grep -c running || true`) === '0',
  )
  check('no program is left', !existsSync(join(root, 'usr/lib/fiona')))
  check('the studies stay', archived() === files.length)
  check('the key stays', existsSync(join(root, 'etc/fiona/pseudonym.key')))
}

/** Kills the main process of a service; measures, inside, until it does its work again. */
async function killed(service) {
  const old = mainPid(service)
  // Active means more than that a process is there: it said that it is ready. Both in one answer, as systemd may not
  // have noticed yet that the old one is gone.
  const isNew = `systemctl show -p MainPID,ActiveState ${service} | sort | tr '\\n' ' ' | grep -v -e 'MainPID=${old} ' -e 'MainPID=0 ' | grep -q 'ActiveState=active '`
  const answers = service.startsWith('fiona-scp') ? `echoscu 127.0.0.1 11112 && ${isNew}` : isNew
  const ms = Number(
    inside(
      `a=$(date +%s%N); kill -9 ${old}; sleep 0.02; until ${answers} >/dev/null 2>&1; do sleep 0.02; done; b=$(date +%s%N); echo $(((b - a) / 1000000))`,
    ),
  )
  const now = mainPid(service)
  const isOther = now !== old && now !== '0' && isActive(service)
  check(`${service} serves again after kill -9`, isOther, `${ms} ms`)
}

/** Each word of fiona-ctl, for all of the chain, the common door, the door of a project and the receiver of MPPS. */
async function managed() {
  const project = 'A-B.C'
  const door = 'fiona-scp@A\\x2dB.C'
  addToConfiguration(
    `  ${project}: { receiver: { port: 11113, aeTitle: PROJECTAB }, destinations: [delivered] }\nmpps: { port: 11114 }\n`,
  )
  check('fiona-ctl check has no error', ctl('check').status === 0, ctl('check').output)
  check('restart', ctl('restart').status === 0 && services.every(isActive))

  check('start of the door of a project', ctl(`start ${project}`).status === 0)
  check('it answers by its own port', answers('PROJECTAB', 11113))
  check('it has its name in the journal', hasLine(`FIONA_DOOR=${project}`))
  const old = mainPid(`'${door}'`)
  check('restart of it', ctl(`restart ${project}`).status === 0)
  check('it is another process then', mainPid(`'${door}'`) !== old && answers('PROJECTAB', 11113))
  check('stop of it', ctl(`stop ${project}`).status === 0 && !answers('PROJECTAB', 11113))
  check('the common one stays open', answers('FIONA', 11112))
  check('enable of it', ctl(`enable ${project}`).status === 0 && answers('PROJECTAB', 11113))
  check('an unknown project is refused', ctl('start NOBODY').status === 64)

  inside('systemctl enable --now fiona-mpps')
  check('fiona-mpps answers', answers('FIONA', 11114))
  const seen = status()
  check('status: all is well', seen.ok === true, seen.trouble.join('; '))
  const expected = [...services, 'fiona-mpps']
  check(
    'status: every part runs, under systemd',
    seen.runs === 'systemd' &&
      seen.parts.length === expected.length + 1 &&
      seen.parts.every(({ state, pid, since }) => state === 'running' && pid > 0 && since),
  )
  check('status is a screen, too', ctl('status').output.includes('all is well; run by systemd'))

  await enabledFile()

  check('disable of the common door', ctl('disable default').status === 0)
  check('it is closed', !answers('FIONA', 11112) && part('receiver').state === 'closed')
  check('start of what is disabled is refused', ctl('start default').status === 77)
  check(
    'restart of the chain does not open it',
    ctl('restart').status === 0 && !answers('FIONA', 11112),
  )
  await powerCut()
  await boot(root)
  await until('the door of the project is open after a boot', () => answers('PROJECTAB', 11113))
  await until('fiona-mpps is, too', () => answers('FIONA', 11114))
  check('what is disabled is not', !answers('FIONA', 11112) && part('receiver').state === 'closed')
  check('enable opens it', ctl('enable default').status === 0 && answers('FIONA', 11112))
  check('disable of the door of a project', ctl(`disable ${project}`).status === 0)
  check('it is closed, the others are not', !answers('PROJECTAB', 11113) && answers('FIONA', 11112))
  check('enable of it again', ctl(`enable ${project}`).status === 0 && answers('PROJECTAB', 11113))

  check('stop', ctl('stop').status === 0)
  check('nothing runs when it says so', inside(`pgrep -u fiona | wc -l`) === '0')
  check('status then is 1', ctl('status').status === 1)
  check('start', ctl('start').status === 0)
  await until('all run', () => services.every(isActive) && answers('PROJECTAB', 11113))
  check('disable', ctl('disable').status === 0 && inside(`pgrep -u fiona | wc -l`) === '0')
  check('start is refused', ctl('start').status === 77)
  check('enable', ctl('enable').status === 0)
  await until('all run again', () => services.every(isActive) && answers('PROJECTAB', 11113))
}

/** The control file of an original FIONA closes doors at once, over a restart, and opens them again. */
async function enabledFile() {
  const write = (text) => inside(`printf ${text} >/var/lib/fiona/enabled`)
  const doors = () => [
    answers('FIONA', 11112),
    answers('PROJECTAB', 11113),
    answers('FIONA', 11114),
  ]
  const are = (expected) => () => JSON.stringify(doors()) === JSON.stringify(expected)
  write('000')
  await until('000 closes reception and MPPS', are([false, false, false]))
  check(
    'status says that they are closed',
    part('receiver').state === 'closed',
    part('mpps').reason,
  )
  check('and that this is no trouble', status().ok === true, status().trouble.join('; '))
  check('start of a door that the file closes is refused', ctl('start default').status === 77)
  check('restart of the chain', ctl('restart').status === 0)
  check('does not open them', are([false, false, false])())
  check('closed is not failed', inside(`systemctl --failed --no-legend 'fiona*' | wc -l`) === '0')
  write('010')
  await until('010 opens MPPS', are([false, false, true]))
  write('111')
  await until('111 opens all', are([true, true, true]))
  write('011')
  await until('011 closes reception', are([false, false, true]))
  inside('rm /var/lib/fiona/enabled')
  await until('without the file all are open', are([true, true, true]))
  check('the data belong to whom they did', inside('stat -c %U:%a /var/lib/fiona') === 'fiona:750')
}

/** A port that somebody else has: the first restarts come at once, later ones do not, and status tells. */
async function crashLoop() {
  inside('systemctl stop fiona-scp@default')
  inside(
    `systemd-run --quiet --unit taker node -e "require('net').createServer().listen(11112, '::')"`,
  )
  await until(
    'somebody else has the port',
    () => tryInside('systemctl is-active taker') === 'active',
  )
  tryInside('systemctl start --no-block fiona-scp@default')
  await until('status tells of the crash loop', () => {
    const { state, restarts } = part('receiver')
    return state === 'failing' && restarts >= 5
  })
  await until('and why', () => part('receiver').lastError?.startsWith('exit code 69') === true)
  await until('it calms down', () => {
    const next = inside('systemctl show -P RestartUSecNext fiona-scp@default')
    return /^\d+(\.\d+)?s/.test(next)
  })
  inside('systemctl stop taker')
  await until('it serves once the port is free', () => answers('FIONA', 11112))
  inside('systemctl restart fiona-scp@default')
  check('started by hand, it begins anew', part('receiver').restarts === 0)
}

/** It waits for a person, and says so. */
function wrongConfiguration() {
  inside(
    'cp -p /etc/fiona/fiona.yaml /root/right.yaml; echo "reciever: {}" >>/etc/fiona/fiona.yaml',
  )
  tryInside('systemctl restart fiona-scp@default')
  const shown = inside('systemctl show -p ActiveState,ExecMainStatus,NRestarts fiona-scp@default')
  check(
    'a wrong configuration is not tried again and again',
    ['ActiveState=failed', 'ExecMainStatus=78', 'NRestarts=0'].every((one) => shown.includes(one)),
    shown.replaceAll('\n', ' '),
  )
  check('fiona-ctl says where it is wrong', ctl('status').output.includes('reciever'))
  inside('cp -p /root/right.yaml /etc/fiona/fiona.yaml')
  const { state, lastError } = part('receiver')
  check(
    'status tells of it',
    state === 'failing' && lastError?.startsWith('exit code 78'),
    lastError,
  )
  check('start mends it', ctl('start default').status === 0 && answers('FIONA', 11112))
}

/** Files lie in /tmp where administrators put them. */
async function frontDoor(slice) {
  inside(`install -m 0644 ${slice} /tmp/one.dcm`)
  inside('echo /tmp/one.dcm >/run/fiona/received.pipe')
  await until(
    'the front door takes a path below /tmp',
    () => inside(`find /var/lib/fiona/default/archive -name '*.dcm' | wc -l`) === '1',
  )
  const shown = inside('systemctl show -p PrivateTmp,RestrictAddressFamilies fiona-front-door')
  check(
    'what its units say holds',
    shown.split('\n').sort().join(' ') === 'PrivateTmp=no RestrictAddressFamilies=AF_UNIX',
    shown.replaceAll('\n', ' '),
  )
}

/**
 * A sender that never stops, and a receiver that is killed under it: its socket stays open, so that whoever calls in
 * that moment is not refused. What it had in hand is aborted, and taken when it is sent again.
 */
async function killedUnderLoad() {
  const file = `$(find /root/study -type f | head -3)`
  inside(
    `rm -f /tmp/enough; nohup sh -c 'until test -e /tmp/enough; do storescu -aec FIONA 127.0.0.1 11112 ${file} && echo sent || echo again; done' >/tmp/sender 2>&1 &`,
  )
  const sent = () => Number(inside('grep -c ^sent /tmp/sender || true'))
  await until('the sender sends', () => sent() > 2)
  const took = []
  for (let kills = 0; kills < 5; kills++) {
    await delay(1000)
    const pid = mainPid('fiona-scp@default')
    took.push(
      inside(
        `a=$(date +%s%N); kill -9 ${pid}; echoscu -to 20 127.0.0.1 11112 && b=$(date +%s%N) && echo $(((b - a) / 1000000)) || echo refused`,
      ),
    )
  }
  const before = sent()
  await until('the sender goes on', () => sent() > before + 2)
  inside('touch /tmp/enough')
  check(
    'a C-ECHO right behind kill -9 under load is answered, not refused',
    took.every((ms) => Number(ms) < 15_000),
    `${took.join(', ')} ms`,
  )
  await until('the sender ends', () => tryInside('pgrep storescu | wc -l') === '0')
  const refused = inside('grep -c refused /tmp/sender || true')
  check('the sender was never refused', refused === '0', refused)
}

/** Inboxes and front doors of other journals: the configuration says which there are, fiona-ctl sees to it. */
async function furtherParts(slice) {
  inside(`for i in /srv/inbox '/srv/A $HOME-C'; do install -d -o fiona -g fiona "$i"; done`)
  const configuration = `frontDoors: { journals: [received, organized, requested] }
inboxes:
  - { folder: /srv/inbox, settleSeconds: 1 }
  - { folder: '/srv/A $HOME-C', project: A-B.C, settleSeconds: 1 }
`
  addToConfiguration(configuration)
  check('restart follows the configuration', ctl('restart').status === 0)
  const names = ['front-door-organized', 'front-door-requested', 'inbox-1', 'inbox-2']
  await until('further front doors and inboxes run', () =>
    names.every((name) => part(name)?.state === 'running'),
  )
  const units = [
    'fiona-front-door@requested',
    'fiona-inbox@srv-inbox',
    "'fiona-inbox@srv-A\\x20\\x24HOME\\x2dC'",
  ]
  for (const unit of units) await killed(unit)
  inside(`cp ${slice} '/srv/A $HOME-C/one'`)
  inside('echo nothing >/srv/inbox/two.dcm; chown fiona:fiona /srv/inbox/two.dcm')
  await until(
    'what is put into an inbox is its project’s',
    () => inside(`find /var/lib/fiona/A-B.C/archive -name '*.dcm' | wc -l`) === '1',
  )
  await until(
    'what is no DICOM goes to the quarantine',
    () => inside('ls /srv/inbox | wc -l; ls /var/lib/fiona/quarantine | wc -l') === '0\n2',
  )
  const series = `{"type":"series","v":1,"SeriesInstanceUID":"2.25.7","StudyInstanceUID":"2.25.5","path":"/x","instances":1,"bytes":1,"reason":"quiet"}`
  inside(`echo '${series}' >/run/fiona/organized.pipe`)
  await until(
    'a record enters by the front door of organized',
    () => inside('fiona-journal cat organized --study 2.25.5 | wc -l') === '1',
  )
  const pid = mainPid('fiona-front-door@requested')
  const seen = tryInside(
    `nsenter -t ${pid} -m setpriv --reuid fiona --regid fiona --clear-groups sh -c 'cat /var/lib/fiona/default/archive/*/*/* /var/lib/fiona/journal/received/*; echo x >>/var/lib/fiona/journal/organized/x' 2>/dev/null | wc -c`,
  )
  check('a front door sees no object and writes no other journal', seen === '0', seen)

  inside(`sed -i '/^frontDoors:/,$d' /etc/fiona/fiona.yaml`)
  check('restart without them', ctl('restart').status === 0)
  check(
    'what the configuration no longer names is gone',
    units.every((unit) => !isActive(unit)) && isActive('fiona-front-door@organized'),
  )
  await until('all is well', () => ctl('status').status === 0)
}

/** They end, and well; the timer is there when it is wanted. */
function jobs() {
  tryInside('systemctl start fiona-job-prune')
  const shown = inside('systemctl show -p Type,Result,ActiveState,ExecMainStatus fiona-job-prune')
  check(
    'a job runs to its end',
    shown.split('\n').sort().join(' ') ===
      'ActiveState=inactive ExecMainStatus=0 Result=success Type=oneshot',
    shown.replaceAll('\n', ' '),
  )
  inside('systemctl enable --now fiona-job-prune.timer')
  check('its timer waits', isActive('fiona-job-prune.timer'))
}

/** The last key of what the package brings is `projects`. */
function addToConfiguration(text) {
  appendFileSync(join(root, 'etc/fiona/fiona.yaml'), text)
}

/** Stops the main process without ending it: the watchdog, here a short one, must see that. */
async function hung(service) {
  const folder = `/run/systemd/system/${service}.service.d`
  inside(`mkdir -p ${folder}; printf '[Service]\\nWatchdogSec=3\\n' >${folder}/90-short.conf`)
  inside(`systemctl daemon-reload; systemctl restart ${service}`)
  const old = mainPid(service)
  await delay(4000)
  check(`the watchdog leaves ${service} alone when it is well`, mainPid(service) === old)
  inside(`kill -STOP ${old}`)
  await until(`the watchdog ends ${service} when it hangs, and it starts again`, () => {
    const pid = mainPid(service)
    return pid !== old && pid !== '0' && isActive(service)
  })
  const said = inside(`journalctl -b -u ${service} -o cat | grep -c 'Watchdog timeout' || true`)
  check('the watchdog it was', Number(said) > 0)
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function requireTools() {
  if (process.getuid() !== 0) throw new Error('this test needs root')
  const packages = {
    debootstrap: 'debootstrap',
    'systemd-nspawn': 'systemd-container',
    nsenter: 'util-linux',
  }
  const missing = Object.keys(packages).filter(
    (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0,
  )
  if (missing.length === 0) return
  run('apt-get', 'update', '-qq')
  run('apt-get', 'install', '-y', '-qq', ...missing.map((command) => packages[command]))
}
