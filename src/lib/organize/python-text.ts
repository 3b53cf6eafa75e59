/** Several values as the original wrote them, with Python's str(): `['ORIGINAL', 'PRIMARY']`, `[0, 256]`. */
export function pythonList(values: readonly string[], areNumbers: boolean): string {
  return `[${values.map((value) => (areNumbers ? value : pythonString(value))).join(', ')}]`
}

function pythonString(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\')
  if (!escaped.includes("'")) return `'${escaped}'`
  return escaped.includes('"') ? `'${escaped.replaceAll("'", "\\'")}'` : `"${escaped}"`
}
