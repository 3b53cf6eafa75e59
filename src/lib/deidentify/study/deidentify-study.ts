import type { StagedStudy } from './outbox.ts'
import { StudyInTheMaking } from './study-in-the-making.ts'
import type { Held, Published, StudyTask } from './study-task.ts'

/**
 * One study, all or nothing: every object is rewritten into a hidden folder, read again and searched
 * for what is known of the patient, and then the study appears at once. If anything speaks against it,
 * `hold` is given what was made, and nothing of it is ever seen in the outbox.
 */
export async function deidentifyStudy(
  task: StudyTask,
  hold: (held: Held, staged: StagedStudy) => Promise<void>,
): Promise<Published | Held> {
  const staged = await task.outbox.begin()
  let made: StudyInTheMaking | undefined
  try {
    made = new StudyInTheMaking(task, staged)
    await made.makeAll()
    await made.searchAll()
    // What is held anyway is not worth the time; and the command sees nothing in which something was found.
    if (made.objections() === undefined) await made.deface()
    const held = made.objections()
    if (held !== undefined) {
      await made.withdrawIfLeaking()
      await hold(held, staged)
      return held
    }
    return await made.publish()
  } finally {
    await made?.close()
    await staged.remove()
  }
}
