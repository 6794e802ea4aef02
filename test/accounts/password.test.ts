import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { verify as argon2Verify } from '@node-rs/argon2'
import t from 'tap'
import { createPasswords, generatePassword, passwordProblem } from '../../src/accounts/password.js'
import { Overloaded } from '../../src/errors.js'

const right = 'correct horse battery'

t.test('hashes as OWASP recommends, salted', async (t) => {
  const passwords = createPasswords()
  const [first, second] = await Promise.all([passwords.hash(right), passwords.hash(right)])
  t.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.not(first, second)
  t.ok(await argon2Verify(first, right), 'readable by anybody who reads PHC strings')
  t.ok(await passwords.verify('jo', first, right))
  t.notOk(await passwords.verify('jo', first, `${right} `), 'spaces count')
  t.notOk(await passwords.verify('jo', first, right.toUpperCase()))
})

t.test('one password however its characters are composed', async (t) => {
  const passwords = createPasswords()
  const hash = await passwords.hash('Schlo\u00df \uff21 \u00e9\u00e9\u00e9')
  t.ok(await passwords.verify('jo', hash, 'Schlo\u00df A e\u0301e\u0301\u00e9'))
})

t.test('what may be a password', async (t) => {
  const short = 'is too short (minimum is 8 characters)'
  const long = 'is too long (maximum is 128 characters)'
  t.equal(passwordProblem(''), short)
  t.equal(passwordProblem('1234567'), short)
  t.equal(passwordProblem('12345678'), undefined)
  t.equal(passwordProblem('        '), undefined, 'never trimmed')
  t.equal(passwordProblem('🐎'.repeat(7)), short, 'characters, not UTF-16 units')
  t.equal(passwordProblem('🐎'.repeat(128)), undefined)
  t.equal(passwordProblem('x'.repeat(129)), long)
  t.equal(passwordProblem('x'.repeat(1e6)), long)
  t.equal(passwordProblem('\ufdfa'.repeat(8)), long, 'counted in the form that is hashed')
})

t.test('generated passwords', async (t) => {
  const many = new Set(Array.from({ length: 1000 }, generatePassword))
  t.equal(many.size, 1000)
  for (const password of many) if (!/^[0-9a-hjkmnp-tv-z]{26}$/.test(password)) t.fail(password)
  const seen = new Set([...many].join(''))
  t.equal(seen.size, 32, 'every letter of the alphabet: 130 bits')
})

t.test(
  'no account, no password and a wrong password cost one hash each; what is too long costs none',
  async (t) => {
    const passwords = createPasswords()
    const hash = await passwords.hash(right)
    const costOf = async (storedHash: string | undefined, password: string) => {
      const before = passwords.counts().hashes
      t.notOk(await passwords.verify('jo', storedHash, password))
      return passwords.counts().hashes - before
    }
    t.equal(await costOf(hash, 'wrong horse battery'), 1)
    t.equal(await costOf(undefined, right), 1)
    t.equal(await costOf(undefined, right), 1, 'nor is a failure remembered')
    t.equal(await costOf(hash, 'wrong horse battery'), 1)
    t.equal(await costOf(hash, 'x'.repeat(1025)), 0)
    t.equal(await costOf(undefined, 'x'.repeat(1025)), 0)
    t.equal(await costOf(hash, 'é'.repeat(513)), 0, 'bytes, not characters')
  },
)

t.test('a hash for nobody takes about as long as one for somebody', async (t) => {
  const passwords = createPasswords()
  const hash = await passwords.hash(right)
  const time = async (storedHash: string | undefined, round: number) => {
    const start = performance.now()
    await passwords.verify('jo', storedHash, `guess number ${round}`)
    return performance.now() - start
  }
  const known: number[] = []
  const unknown: number[] = []
  for (let round = 0; round < 15; round++) {
    known.push(await time(hash, round))
    unknown.push(await time(undefined, round))
  }
  const median = (times: number[]) => times.sort((a, b) => a - b)[7] ?? 0
  const ratio = median(unknown) / median(known)
  t.ok(ratio > 0.5 && ratio < 2, `ratio ${ratio.toFixed(2)}`)
})

t.test('what was right is remembered for a while, by account, hash and password', async (t) => {
  const passwords = createPasswords()
  const [hash, other] = await Promise.all([passwords.hash(right), passwords.hash(right)])
  const costOf = async (owner: string, storedHash: string, password: string) => {
    const before = passwords.counts().hashes
    const ok = await passwords.verify(owner, storedHash, password)
    return [ok, passwords.counts().hashes - before]
  }
  t.strictSame(await costOf('jo', hash, right), [true, 1])
  t.strictSame(await costOf('jo', hash, right), [true, 0])
  t.equal(passwords.counts().remembered, 1)
  t.strictSame(await costOf('jo', other, right), [true, 1], 'another hash: the password was set anew')
  t.strictSame(await costOf('al', hash, right), [true, 1])
  t.strictSame(await costOf('jo', hash, 'wrong horse battery'), [false, 1])

  passwords.forget('jo')
  t.strictSame(await costOf('al', hash, right), [true, 0], 'forgets nobody else')
  t.strictSame(await costOf('jo', hash, right), [true, 1])
  t.strictSame(await costOf('jo', hash, right), [true, 0])
})

t.test('what is remembered is forgotten in time, however often it is used', async (t) => {
  const passwords = createPasswords({ rememberMs: 100 })
  const hash = await passwords.hash(right)
  const giveUpAt = performance.now() + 10_000
  await passwords.verify('jo', hash, right)
  while (passwords.counts().hashes < 3 && performance.now() < giveUpAt) {
    t.ok(await passwords.verify('jo', hash, right))
    await sleep(10)
  }
  t.equal(passwords.counts().hashes, 3)
  t.ok(passwords.counts().remembered > 0)
})

t.test('the same question asked at once is computed once', async (t) => {
  const passwords = createPasswords()
  const hash = await passwords.hash(right)
  const answers = await Promise.all([
    ...Array.from({ length: 100 }, () => passwords.verify('jo', hash, right)),
    ...Array.from({ length: 100 }, () => passwords.verify('jo', hash, 'wrong horse battery')),
    ...Array.from({ length: 100 }, () => passwords.verify('al', undefined, right)),
  ])
  t.equal(answers.filter(Boolean).length, 100)
  t.equal(passwords.counts().hashes, 1 + 3)
})

t.test('a flood is refused at once beyond the queue, and leaves nothing behind', async (t) => {
  const passwords = createPasswords({ lanes: 2, waiting: 3 })
  const hash = await passwords.hash(right)
  let most = 0
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async (_, i) => {
      const verifying = passwords.verify('jo', hash, `guess number ${i}`)
      most = Math.max(most, passwords.counts().running)
      return verifying
    }),
  )
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  t.equal(refused.length, 15)
  t.ok(refused.every((reason) => reason instanceof Overloaded))
  t.equal(most, 2)
  t.match(passwords.counts(), { running: 0, waiting: 0, hashes: 6 })
  t.ok(await passwords.verify('jo', hash, right), 'and it goes on')
})

t.test('a hash that nobody can read is a fault, not a wrong password', async (t) => {
  const passwords = createPasswords()
  await t.rejects(passwords.verify('jo', 'no hash', right))
  t.match(passwords.counts(), { running: 0, waiting: 0 })
})
