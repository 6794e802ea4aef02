import type { Lasting } from '../../src/session.js'

/** @returns an answer of which nothing has been made yet, but for `made` */
export const lastingAnswer = (made: Partial<Lasting> = {}): Lasting => ({
  note: undefined,
  usedIp: undefined,
  usedAgent: undefined,
  usedAt: 0,
  givenAt: 0,
  country: undefined,
  identity: undefined,
  auth: undefined,
  tokenHeaders: undefined,
  verdict: undefined,
  introspected: undefined,
  ...made,
})
