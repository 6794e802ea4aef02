/** Many requests at once, where only some may win: descriptions, places under the cap, and the last use before the end. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { placeOf } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { createCountersigner } from '../src/token/countersign.js'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { type Instance, startInstance } from './support/instance.js'
import { startRedis } from './support/redis.js'
import { ada, operator } from './support/service.js'

const DAY_MS = 86_400_000
const basic = { authorization: `Basic ${Buffer.from(`${ada.uid}:${ada.password}`).toString('base64')}` }

/** Two instances on one Redis, with one account. */
async function startTwo(t: Test): Promise<[Instance, Instance]> {
  const { url } = await startRedis(t)
  const env = { REDIS_URL: url, COUNTERSIGN_KEYS: generateMasterKeys() }
  const one = await startInstance(t, env)
  await one.accounts.create(ada, operator)
  return [one, await startInstance(t, env)]
}

interface Request {
  method?: 'GET' | 'POST' | 'DELETE'
  url: string
  headers?: Record<string, string>
  payload?: object
}

/** On a busy machine Redis may seem away: whoever is told so (503) repeats the request, as a client does. */
async function ask({ app }: Instance, request: Request) {
  for (;;) {
    const answer = await app.inject(request)
    if (answer.statusCode !== 503) return answer
    await delay(50)
  }
}

/** Calls `make` fifty times at once, by either instance in turn. */
const fifty = <T>(two: readonly [Instance, Instance], make: (instance: Instance, i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: 50 }, (_, i) => make(two[i % 2 === 0 ? 0 : 1], i)))

t.test('50 creations with one description give exactly one', async (t) => {
  const two = await startTwo(t)
  const payload = { jwt_token_description: 'Token alpha', jwt_token_life: '1 day' }
  const answers = await fifty(two, (one) =>
    ask(one, { method: 'POST', url: '/v1alpha/token', headers: basic, payload }),
  )
  const told = answers.flatMap((answer) => (answer.statusCode === 201 ? answer.json().jwt_token_id : []))
  t.ok(told.length <= 1, `${told.length} were told a token`)
  t.equal(answers.filter(({ statusCode }) => statusCode === 400).length, 50 - told.length)
  const { jwt_tokens: listed } = (await ask(two[0], { url: '/v1alpha/token', headers: basic })).json()
  const ids = Object.keys(listed)
  t.equal(ids.length, 1)
  t.strictSame(told, told.length === 0 ? [] : ids, 'who was not told had to repeat the request that made it')
})

t.test('50 sign-ins under a cap of 10 leave exactly 10', async (t) => {
  const two = await startTwo(t)
  const payload = { uid: ada.uid, password: ada.password }
  const answers = await fifty(two, (one) => ask(one, { method: 'POST', url: '/auth/sign_in', payload }))
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  const tokens = answers.map(({ headers }) => String(headers['access-token']))
  const verdicts = await fifty(two, async (one, i) => {
    const headers = { authorization: `Bearer ${tokens[i]}` }
    return (await ask(one, { method: 'POST', url: '/token/verify', headers })).statusCode
  })
  t.equal(verdicts.filter((status) => status === 200).length, 10)
  t.equal(verdicts.filter((status) => status === 401).length, 40)
  const alive = tokens[verdicts.indexOf(200)]
  const listed = await ask(two[0], { url: '/token', headers: { authorization: `Bearer ${alive}` } })
  t.equal(listed.json().length, 10)
})

t.test('50 sessions with their account on the fly give one account', async (t) => {
  const two = await startTwo(t)
  await two[0].accounts.update(ada.uid, { roles: ['service'] }, operator)
  const payload = { kind: 'jwt', create: { provider: 'github', email: 'octocat@github.com' } }
  const answers = await fifty(two, (one) =>
    ask(one, { method: 'POST', url: '/accounts/octocat/sessions', headers: basic, payload }),
  )
  t.strictSame([...new Set(answers.map(({ statusCode }) => statusCode))], [201])
  const { accounts } = await two[0].accounts.list({ limit: 10 })
  t.strictSame(
    accounts.map(({ account }) => account.uid),
    [ada.uid, 'octocat'],
  )
})

const RACES = 10_000
const AT_ONCE = 32
/** Between the beginning of an end and its acknowledgement pass about as many. */
const MOST_TURNS = 12

t.test(`${RACES} times: never an accept after the end was acknowledged`, async (t) => {
  const [instance] = await startTwo(t)
  const { config, connection } = instance
  const store = createSessionStore({ redis: connection, rotation: config.rotation })
  const countersigner = createCountersigner(config.masterKeys ?? t.bailout('no keys'))
  const life = { idleMs: DAY_MS, absoluteMs: DAY_MS, maxSessions: RACES }
  const { tag } = placeOf(ada.uid)

  async function open() {
    const claim = countersigner.begin(tag, 0)
    const record = { tag, handle: claim.handle, uid: ada.uid, kind: 'fixed', scopes: [], life } as const
    while ((await store.open(record).catch(() => undefined))?.verdict !== 'opened') await delay(50)
    return countersigner.mint(claim, 0, 0)
  }
  const verify = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await ask(instance, { method: 'POST', url: '/token/verify', headers })).statusCode
  }
  const end = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await ask(instance, { method: 'DELETE', url: `/token?id=${token}`, headers })).statusCode
  }

  /** Lets a random few turns of the event loop pass: now the one comes first, now the other. */
  async function someTurns(): Promise<void> {
    for (let turns = Math.floor(Math.random() * MOST_TURNS); turns > 0; turns--) await nextTurn()
  }

  const before: number[] = []
  const after: number[] = []
  let acknowledged = 0
  let left = RACES
  async function race(): Promise<void> {
    while (left-- > 0) {
      const token = await open()
      const ended = end(token)
      const racing = someTurns().then(() => verify(token))
      // Repeated, an end may find that it had happened already.
      if ([204, 401].includes(await ended)) acknowledged++
      after.push(await verify(token))
      before.push(await racing)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, race))

  t.equal(acknowledged, RACES)
  t.equal(after.length, RACES)
  t.equal(after.filter((status) => status !== 401).length, 0)
  const accepted = before.filter((status) => status === 200).length
  t.ok(before.every((status) => status === 200 || status === 401))
  t.ok(accepted > 0 && accepted < RACES, `it was a race: ${accepted} verifications came before the end`)
})
