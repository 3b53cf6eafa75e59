/**
 * Faces (PS3.15 E.3.10, Clean Recognizable Visual Features). `look-for-faces.ts` says which objects show a head;
 * `face-policy.ts` what the project wants done then. `deface-series.ts` gives each such series, de-identified and searched,
 * to the project's command, and takes nothing from it but pixels: `make-defaced.ts` makes the objects of them,
 * `compare-objects.ts` holds every other attribute against what was given.
 */
export { compileFacePolicy } from './compile-face-policy.ts'
export { type HeadSeries, defaceSeries } from './deface-series.ts'
export { type FacePolicy, holdFaces } from './face-policy.ts'
export { isExecutable } from './find-program.ts'
export { lookForFaces } from './look-for-faces.ts'
export { defacedTexts } from './make-defaced.ts'
