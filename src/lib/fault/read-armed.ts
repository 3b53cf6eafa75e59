import { faultPoints, type FaultPoint } from './fault-points.ts'

/**
 * `name[:nth],…` → how often each is passed before it kills. A name that is none is a mistake of the test
 * that set it: a crash test whose point never fires would prove nothing.
 * @throws RangeError
 */
export function readArmed(text: string | undefined): Map<FaultPoint, number> {
  const armed = new Map<FaultPoint, number>()
  for (const item of (text ?? '').split(',').filter((part) => part !== '')) {
    const [name, nth = '1'] = item.split(':')
    const point = faultPoints.find((known) => known === name)
    if (point === undefined || !/^[1-9]\d{0,8}$/.test(nth)) {
      throw new RangeError(`FIONA_FAULT_POINT: ${item} is no fault point`)
    }
    armed.set(point, Number(nth))
  }
  return armed
}
