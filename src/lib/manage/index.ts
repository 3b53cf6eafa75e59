// The words of fiona-ctl, the same for whatever runs the chain.
export { manage, type Command } from './manage.ts'
