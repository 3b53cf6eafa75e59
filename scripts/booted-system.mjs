// A Debian system in a folder, booted with systemd-nspawn, and what is done and asked inside of it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const environment = [
  'env',
  '-i',
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  'TCP_NODELAY=1',
  'FIONA_CONFIG=/etc/fiona/fiona.yaml',
]
let container
let passed = 0
let failed = 0

/** How many checks passed and failed. */
export function outcome() {
  return { passed, failed }
}

export async function boot(root) {
  const log = ['ignore', 'ignore', 'inherit']
  container = spawn(
    'systemd-nspawn',
    ['--register=no', '--keep-unit', '--private-network', '--quiet', '-b', '-D', root],
    { stdio: log },
  )
  await until('the system boots', () => {
    const state = tryInside('systemctl is-system-running')
    return state === 'running' || state === 'degraded'
  })
}

/** As if somebody pulled the plug: the first process of the container, and all others with it. */
export async function powerCut() {
  const leader = leaderPid()
  if (leader === undefined) return
  const ended = new Promise((resolve) => container.once('exit', resolve))
  process.kill(leader, 'SIGKILL')
  await ended
}

function leaderPid() {
  if (container?.pid === undefined || container.exitCode !== null) return undefined
  const path = `/proc/${container.pid}/task/${container.pid}/children`
  const [pid] = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ') : []
  return pid ? Number(pid) : undefined
}

export function tryInside(command) {
  const leader = leaderPid()
  if (leader === undefined) return undefined
  const words = ['-t', String(leader), '-a', ...environment]
  return spawnSync('nsenter', [...words, 'sh', '-c', command], { encoding: 'utf8' }).stdout?.trim()
}

export function inside(command) {
  const words = ['-t', String(leaderPid()), '-a', ...environment]
  return execFileSync('nsenter', [...words, 'sh', '-c', command], { encoding: 'utf8' }).trim()
}

export function mainPid(service) {
  return inside(`systemctl show -P MainPID ${service}`)
}

export function isActive(service) {
  return tryInside(`systemctl is-active ${service}`) === 'active'
}

export async function until(what, holds) {
  for (let tries = 0; tries < 300; tries++) {
    if (holds()) return check(what, true)
    await delay(200)
  }
  check(what, false)
  console.log(tryInside(`journalctl -b --no-pager -u 'fiona*' | tail -40`))
}

export function check(what, isTrue, detail) {
  if (isTrue) passed++
  else failed++
  console.log(`${isTrue ? '✓' : '✗'} ${what}${detail === undefined ? '' : ` (${detail})`}`)
}

export function run(command, ...args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

export function ctl(words) {
  const args = ['-t', String(leaderPid()), '-a', ...environment, 'fiona-ctl', ...words.split(' ')]
  const { status, stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

export function status() {
  return JSON.parse(ctl('status --json').output.split('\n')[0])
}

export function part(name) {
  return status().parts.find((one) => one.name === name)
}

export function answers(aeTitle, port) {
  return tryInside(`echoscu -to 2 -aec ${aeTitle} 127.0.0.1 ${port} && echo yes`) === 'yes'
}

export function hasLine(match) {
  return inside(`journalctl -b --no-pager -q -n 1 '${match}' | wc -l`) === '1'
}
