export { faultPoint } from './fault-point.ts'
export { faultPoints, type FaultPoint } from './fault-points.ts'
