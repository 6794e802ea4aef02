/**
 * Whoever proves who it is by the same password in each request, as services do. Redis is asked about one who was right no
 * sooner than something may have changed: the same bound, and the same stream, as for tokens that are answered from memory.
 * Nobody can make that moment last: a session is opened only by the password that is the account's then (`Warrant`).
 */
import { accountSignal } from '../store/keys.js'
import type { NearCache } from '../store/near-cache.js'
import type { Ticket } from '../store/near-entry.js'
import type { Accounts, Authenticated } from './accounts.js'
import { createSecretMemory } from './secret-memory.js'

interface Caller {
  judged: Authenticated
  signal: string
  ticket: Ticket
}

/** @returns judges passwords as `accounts` does, and remembers who was right */
export function rememberCallers(
  accounts: Pick<Accounts, 'authenticate'>,
  nearCache: Pick<NearCache, 'begin' | 'holds'>,
): Pick<Accounts, 'authenticate'> {
  const { nameOf, known: callers } = createSecretMemory<Caller>()
  return {
    async authenticate(login, password) {
      const name = nameOf(login, password)
      const known = callers.get(name)
      if (known !== undefined && nearCache.holds(known.ticket, known.signal)) return known.judged
      const ticket = nearCache.begin()
      const judged = await accounts.authenticate(login, password)
      if (!judged.ok) callers.delete(name)
      else callers.set(name, { judged, signal: accountSignal(judged.account.uid), ticket })
      return judged
    },
  }
}
