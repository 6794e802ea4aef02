/** What entitles somebody to a new session may end while that is being opened: then there is none that outlives it. */
import t from 'tap'
import { basic } from '../support/oauth.js'
import { ada, operator, startService, type TestService } from '../support/service.js'

const ROUNDS = 20
const AT_ONCE = 4
const [first, second] = [ada.password, 'another horse battery'] as const

interface Opening {
  url: string
  headers?: Record<string, string>
  payload?: Record<string, string>
}
/** All that whoever has the account's first password, or a session of it, can open sessions by; each at its nth try. */
const openings: Record<string, (session: Record<string, string>, n: number) => Opening> = {
  'POST /auth/sign_in': () => ({ url: '/auth/sign_in', payload: { email: ada.uid, password: first } }),
  'POST /token': () => ({ url: '/token', headers: { authorization: basic(ada.uid, first) } }),
  'POST /v1alpha/token by the password': (_session, n) => ({
    ...jwt(n),
    headers: { authorization: basic(ada.uid, first) },
  }),
  'POST /v1alpha/token by a session': (session, n) => ({ ...jwt(n), headers: session }),
}
const jwt = (n: number): Opening => ({
  url: '/v1alpha/token',
  payload: { jwt_token_description: `token ${n}`, jwt_token_life: '1 hour' },
})

/** Opens one session, and goes on, several at a time, until `change` is done. @returns with which statuses */
async function openDuring(
  { app }: TestService,
  opening: (n: number) => Opening,
  change: () => Promise<unknown>,
): Promise<number[]> {
  const statuses: number[] = []
  let [isOver, n] = [false, 0]
  const open = async () => {
    statuses.push((await app.inject({ method: 'POST', ...opening(++n) })).statusCode)
  }
  const goOn = async (): Promise<void> => {
    while (!isOver) await open()
  }
  await open()
  const all = Array.from({ length: AT_ONCE }, goOn)
  await change()
  isOver = true
  await Promise.all(all)
  return statuses
}

for (const [name, opening] of Object.entries(openings))
  t.test(`${name} while the password is changed`, async (t) => {
    const service = await startService(t)
    await service.addAccount()
    service.secrets.guard(second)
    for (let round = 0; round < ROUNDS; round++) {
      const { headers } = await service.signIn()
      const statuses = await openDuring(
        service,
        (n) => opening({ ...headers }, n),
        () => service.accounts.setPassword(ada.uid, second, operator),
      )
      const [before = 0, ...others] = statuses
      t.ok(before === 200 || before === 201, `${before}`)
      t.strictSame(
        others.filter((status) => status !== before && status !== 401),
        [],
      )
      t.strictSame(await service.redis.client.keys('cs:{*'), [], 'none is left')
      await service.accounts.setPassword(ada.uid, first, operator)
    }
  })
