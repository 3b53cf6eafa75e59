// `npm run package [-- FOLDER] [--as-built]`: builds a Debian package into FOLDER (default: the working directory);
// --as-built takes the bundles that are there.
// It holds the bundles, not node_modules; Node comes from the system. The one library with a compiled part (SQLite, for
// the index) goes with it as it is installed here: the package is then for this machine's architecture, and the library for
// Node of this major version. Where it is not installed, the package is for all architectures, and has no index.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

const { values, positionals } = parseArgs({
  options: { 'as-built': { type: 'boolean' } },
  allowPositionals: true,
})
const into = resolve(positionals[0] ?? '.')
process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const maintainer = 'FIONA maintainers <maintainers@fiona.invalid>'
const root = mkdtempSync(join(tmpdir(), 'fiona-package-'))
/** What the library of the index needs, of each package in node_modules. */
const sqlite = {
  'better-sqlite3': ['package.json', 'LICENSE', 'lib', 'build/Release/better_sqlite3.node'],
  bindings: ['package.json', 'LICENSE.md', 'bindings.js'],
  'file-uri-to-path': ['package.json', 'LICENSE', 'index.js'],
}
const whyNoSqlite = tryToLoadSqlite()
const architecture = whyNoSqlite === undefined ? output('dpkg', '--print-architecture') : 'all'
if (whyNoSqlite !== undefined) {
  console.error(`the package has no index (fiona ls): SQLite cannot be loaded here: ${whyNoSqlite}`)
}
try {
  if (values['as-built'] !== true) {
    execFileSync(process.execPath, ['scripts/build.mjs'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  }
  layOut()
  writeControl()
  setModes(root)
  mkdirSync(into, { recursive: true })
  const path = join(into, `fiona_${version}_${architecture}.deb`)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  console.log(path)
} finally {
  rmSync(root, { recursive: true, force: true })
}

function layOut() {
  for (const name of readdirSync('bin').filter((file) => file !== 'package.json')) {
    const launcher = readFileSync(`bin/${name}`, 'utf8')
    // A service must not depend on a PATH.
    put(`usr/lib/fiona/bin/${name}`, launcher.replace(/^#!.*/, '#!/usr/bin/node'), 0o755)
    mkdirSync(join(root, 'usr/bin'), { recursive: true })
    symlinkSync(`../lib/fiona/bin/${name}`, join(root, 'usr/bin', name))
  }
  cpSync('dist', join(root, 'usr/lib/fiona/dist'), {
    recursive: true,
    filter: (path) => !path.endsWith('.map'),
  })
  put('usr/lib/fiona/obey-enabled', readFileSync('packaging/obey-enabled'), 0o755)
  put('usr/lib/fiona/package.json', '{ "type": "module" }\n')
  put('usr/lib/fiona/bin/package.json', readFileSync('bin/package.json'))
  if (whyNoSqlite === undefined) {
    for (const [name, files] of Object.entries(sqlite)) {
      for (const file of files) {
        copy(
          realpathSync(`node_modules/${name}/${file}`),
          `usr/lib/fiona/node_modules/${name}/${file}`,
        )
      }
    }
    // Libraries of Debian are not executable.
    chmodSync(
      join(root, 'usr/lib/fiona/node_modules/better-sqlite3/build/Release/better_sqlite3.node'),
      0o644,
    )
  }
  for (const section of readdirSync('man')) {
    for (const page of readdirSync(`man/${section}`)) {
      put(`usr/share/man/${section}/${page}.gz`, packed(`man/${section}/${page}`))
    }
  }
  copy('share/completion/bash', 'usr/share/bash-completion/completions')
  copy('share/completion/zsh', 'usr/share/zsh/vendor-completions')
  const { units, tmpfiles } = unitFiles()
  for (const path of units) {
    put(`usr/lib/systemd/system/${path}`, readFileSync(`systemd/${path}`))
  }
  put('usr/lib/tmpfiles.d/fiona.conf', readFileSync(`systemd/${tmpfiles}`))
  // No conffile: every site edits it, and dpkg would ask at each upgrade that changes the default. postinst copies it.
  put('usr/share/fiona/fiona.yaml', readFileSync('packaging/fiona.yaml'))
  const doc = 'usr/share/doc/fiona'
  copy('docs', doc)
  copy('pipelines', `${doc}/examples/pipelines`)
  copy('share/cron.d', `${doc}/examples/cron.d`)
  copy('share/profiles', `${doc}/examples/profiles`)
  copy('share/deface', `${doc}/examples/deface`)
  copy('share/rules', `${doc}/examples/rules`)
  put(`${doc}/examples/config.example.yaml`, readFileSync('share/config.example.yaml'))
  for (const name of ['README.md', 'NOTICE.md']) put(`${doc}/${name}`, readFileSync(name))
  put(`${doc}/copyright`, readFileSync('packaging/copyright'))
  put(`${doc}/LICENCES.txt`, readFileSync('dist/LICENCES.txt'))
  put(`${doc}/CHANGELOG.md`, readFileSync('CHANGELOG.md'))
  put(`${doc}/changelog.gz`, gzipSync(debianChangelog(), { level: 9 }))
}

function unitFiles() {
  const tmpfiles = 'fiona.tmpfiles.conf'
  const units = readdirSync('systemd', { recursive: true })
    .map(String)
    .filter((path) => path !== tmpfiles && statSync(`systemd/${path}`).isFile())
  return { units, tmpfiles }
}

function writeControl() {
  const kilobytes = Math.ceil(sizeOf(root) / 1024)
  const control = `Package: fiona
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: nodejs (>= 20.19), adduser
Recommends: systemd, jq
Suggests: dcmtk
Section: science
Priority: optional
Description: research imaging gateway for DICOM
 It receives DICOM from scanners and the clinical PACS, notices when a study is
 complete, classifies and organizes it, replaces the patient's identity by a
 research identity, and delivers it to the research PACS.
`
  put('DEBIAN/control', control)
  for (const name of ['postinst', 'prerm', 'postrm']) {
    put(`DEBIAN/${name}`, readFileSync(`packaging/${name}`), 0o755)
  }
}

/** Nothing is promised that was not tried: it is compiled for one version of Node. */
function tryToLoadSqlite() {
  try {
    const Sqlite = createRequire(import.meta.url)('better-sqlite3')
    new Sqlite(':memory:').close()
    return undefined
  } catch (error) {
    return error.message.split('\n')[0]
  }
}

function output(command, ...args) {
  return execFileSync(command, args, { encoding: 'utf8' }).trim()
}

/** Debian's own form; what changed stands in CHANGELOG.md. */
function debianChangelog() {
  const date = new Date(statSync('CHANGELOG.md').mtimeMs).toUTCString().replace('GMT', '+0000')
  return `fiona (${version}) unstable; urgency=medium

  * See /usr/share/doc/fiona/CHANGELOG.md.

 -- ${maintainer}  ${date}
`
}

/** Directories and files as Debian has them, whatever the umask and the work tree say. */
function setModes(folder) {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) setModes(path)
    else if (entry.isFile()) chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644)
  }
}

function put(path, content, mode = 0o644) {
  const whole = join(root, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, content)
  chmodSync(whole, mode)
}

function copy(from, to) {
  cpSync(from, join(root, to), { recursive: true })
}

/** The same bytes each time: no name, no time. */
function packed(path) {
  return gzipSync(readFileSync(path), { level: 9 })
}

function sizeOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => statSync(join(folder, String(name))))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
}
