import { createPasswords } from '../../src/accounts/password.js'
import { settle } from '../population.js'
import type { Scenario } from '../scenario.js'

const PASSWORD = 'correct horse battery staple'
/** So many that none comes again while its password is remembered, which is for a minute. */
const ACCOUNTS = 10_000
/** Below what may wait for its hash at once. */
const MOST_AT_ONCE = 4

/** A password is hashed each time: that is dear on purpose. */
export const signIn: Scenario = {
  name: 'sign-in',
  about: 'POST /auth/sign_in, a password (argon2id) and a new session every time',
  goals: {},
  environment: () => ({}),
  async open(_url, connections, storage) {
    const uids = await settle(storage, ACCOUNTS, await createPasswords().hash(PASSWORD))
    let next = 0
    return Array.from({ length: Math.min(connections, MOST_AT_ONCE) }, () => {
      let uid = ''
      return {
        get request() {
          uid = uids[next++ % ACCOUNTS] as string // never empty
          return {
            method: 'POST',
            path: '/auth/sign_in',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ uid, password: PASSWORD }),
          } as const
        },
        receive: ({ status, headers, body }) =>
          status === 200 && headers.uid === uid && String(headers['access-token']).startsWith('cst_')
            ? undefined
            : `${status} ${body}`,
      }
    })
  },
}
