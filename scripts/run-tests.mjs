// Each test file named on the command line in a process of its own, two at once, as one TAP stream. This is tap's own
// runner without its command line and its hooks for coverage and mocks, which we do not use: every tool that a test starts
// would load them too, and take four times as long to start.
import t from 'tap'

const mostSeconds = 240

t.setTimeout(0)
t.jobs = 2
for (const file of process.argv.slice(2)) {
  const node = [process.execPath, '--import=tsx', file]
  // What t.spawn adds to NODE_OPTIONS is taken out again.
  void t.spawn('env', ['-u', 'NODE_OPTIONS', ...node], {
    name: file,
    buffered: true,
    timeout: mostSeconds * 1000,
    env: { ...process.env, TAP_TIMEOUT: String(mostSeconds) },
  })
}
