/** The numbers of a presentation, whatever they are, arrive in the script as they were meant; stories have small ones. */
import fc from 'fast-check'
import t from 'tap'
import { sessionKey } from '../../src/store/keys.js'
import { packPresentation } from '../../src/store/present-call.js'
import { startRedis } from '../support/redis.js'
import { createSessionWorld, NOON_MS } from '../support/sessions.js'

const { client: redis } = await startRedis(t)
const { addAccount, open } = createSessionWorld(redis)
const POLICY = [0, 0, 0, 0, 'reject']
const FURTHEST_AHEAD = 1_000_000
const HIGHEST = 2 ** 32 - 1

/** Where `lua/record.lua` has them. */
const readRecord = (record: Buffer) => ({ c: record.readUInt32BE(1), s: record[37], k: record[41] })

t.test('what is asked of one presentation has 31 characters, each of them one byte', async (t) => {
  const largest = packPresentation({ n: HIGHEST, b: 255 }, 'force', { generation: HIGHEST, branches: 255 })
  t.equal(largest, 'f\x0f\x7f\x7f\x7f\x7f\x01\x7f\x0f\x7f\x7f\x7f\x7f\x01\x7f                ')
  t.equal(Buffer.byteLength(largest), 31)
  t.equal(
    packPresentation({ n: 1, b: 0, uidHash: 'abcdefghijklmnop' }, 'verify', undefined),
    'v\0\0\0\0\x01\0\0\0\0\0\0\0\0\0abcdefghijklmnop',
  )
})

t.test('what is cut otherwise is refused as a whole, and changes nothing', async (t) => {
  const { tag, handle } = await open(await addAccount())
  const key = sessionKey(tag, handle)
  const before = await redis.hgetallBuffer(key)
  const asked = packPresentation({ n: 1, b: 0 }, 'rotate', undefined)
  for (const wrong of [`${asked} `, asked.slice(1), asked + asked, ''])
    await t.rejects(redis.sessionPresentBuffer(1, key, NOON_MS, ...POLICY, wrong), /31 characters/)
  t.strictSame(await redis.hgetallBuffer(key), before)
})

t.test(
  'a session that Redis has lost track of is raised to exactly what is remembered, or presented',
  async (t) => {
    const owner = await addAccount()
    const property = fc.asyncProperty(
      fc.integer({ min: 2, max: HIGHEST - FURTHEST_AHEAD }),
      fc.integer({ min: 1, max: 251 }),
      fc.integer({ min: 1, max: FURTHEST_AHEAD }),
      fc.integer({ min: 0, max: 250 }),
      async (generation, branches, further, b) => {
        const { tag, handle } = await open(owner)
        const key = sessionKey(tag, handle)
        const latest = { generation, branches }
        const after = async (n: number, branch: number) => {
          const asked = packPresentation({ n, b: branch }, 'verify', latest)
          await redis.sessionPresentBuffer(1, key, NOON_MS, ...POLICY, asked)
          return readRecord((await redis.hgetBuffer(key, 'r')) ?? Buffer.alloc(0))
        }
        t.strictSame(await after(1, 0), { c: generation, s: 255, k: branches })
        t.strictSame(await after(generation + further, b), { c: generation + further, s: b, k: b + 1 })
      },
    )
    await fc.assert(property, { numRuns: 200 })
  },
)
