export { nearest } from './nearest.ts'
export { pointInTime } from './point-in-time.ts'
export { bytesLiteral, floatText, numberList, textList, textLiteral } from './python-text.ts'
export { displayWidth, fitText, visibleJson, visibleText } from './terminal-text.ts'
