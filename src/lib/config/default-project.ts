/** The project of what nobody matches, unless the configuration names another. */
export const usualDefault = 'default'
