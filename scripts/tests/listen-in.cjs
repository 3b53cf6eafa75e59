// Loaded into every program that a test starts (NODE_OPTIONS, see run-file.mjs): what FIONA's own tools write to their logs, and to
// the journals behind the boundary, is searched for the patients that tests are full of. What is found is told to the file
// that FIONA_TEST_TOLD names.
const fs = require('node:fs')

const told = process.env.FIONA_TEST_TOLD
const isTool = /\/bin\/fiona(-[a-z]+)?$/.test(process.argv[1] ?? '')
/** Of fixtures/dicom-writer.ts, and of deidentify/planted.ts. */
const identities = [
  'Example^Patient',
  'EX-0001',
  'Doctor^Example',
  'Zwartkops',
  'Klaasjan',
  'HOSP-778812',
  'ACC-99331',
]
/** What lies beyond them may be read by whoever may not know a patient. */
const behind = /\/journal\/(outbox|sent|held|returned)\//

if (told && isTool) {
  for (const name of ['write', 'writev', 'writeSync', 'writevSync']) {
    const write = fs[name]
    const listening = (fd, what, ...rest) => {
      look(fd, what)
      return write(fd, what, ...rest)
    }
    // What util.promisify() of it answers stands in properties of it.
    fs[name] = Object.defineProperties(listening, Object.getOwnPropertyDescriptors(write))
  }
  const { write } = process.stderr
  process.stderr.write = function (chunk, ...rest) {
    look(2, chunk)
    return write.call(this, chunk, ...rest)
  }
}

function look(fd, what) {
  const pieces = Array.isArray(what) ? what : [what]
  for (const piece of pieces) {
    const bytes =
      typeof piece === 'string'
        ? piece
        : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const found = identities.find((identity) => bytes.includes(identity))
    if (found === undefined) continue
    const path = placeOf(fd)
    if (path === undefined) continue
    const text = bytes.toString('latin1')
    const at = text.indexOf(found)
    fs.appendFileSync(
      told,
      `${process.argv.slice(1).join(' ').slice(0, 200)}: ${path}: ${text.slice(Math.max(0, at - 200), at + 60)}\n`,
    )
  }
}

/** Undefined: it may tell of a patient there. */
function placeOf(fd) {
  if (fd === 2) return 'its log'
  try {
    const path = fs.readlinkSync(`/proc/self/fd/${String(fd)}`)
    return behind.test(path) ? path : undefined
  } catch {
    return undefined
  }
}
