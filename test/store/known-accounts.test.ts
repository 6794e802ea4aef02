import t from 'tap'
import type { Account } from '../../src/account.js'
import { formatAccount } from '../../src/store/account-record.js'
import { createAccountReader } from '../../src/store/known-accounts.js'

const account = (uid: string, attributes: Account['attributes'] = {}): Account => ({
  ...{ id: 1, uid, provider: 'email', email: 'one@example.com', roles: [], attributes },
  ...{ createdAt: 1, updatedAt: 1 },
})
const docOf = (one: Account) => Buffer.from(formatAccount(one))

t.test('a document that was read before is the same account', async (t) => {
  const read = createAccountReader()
  const first = read(docOf(account('one')))
  t.same(first, account('one'))
  t.equal(read(docOf(account('one'))), first)
  t.equal(read(docOf(account('one', { name: 'Zoë' }))).attributes.name, 'Zoë', 'a changed one is not')
  t.not(read(docOf(account('one'))), first, 'and takes its place')
})

t.test('documents that begin alike are told apart, whatever their lengths', async (t) => {
  const read = createAccountReader()
  const alike = ['a', 'b', 'bb'].map((end) => account(`${'x'.repeat(200)}${end}`))
  for (const one of [...alike, ...alike]) t.same(read(docOf(one)), one)
})

t.test('what it remembers is its own: the bytes may be used for something else', async (t) => {
  const read = createAccountReader()
  const bytes = docOf(account('one'))
  read(bytes)
  bytes.write('two', bytes.indexOf('one'))
  t.equal(read(bytes).uid, 'two')
  t.equal(read(docOf(account('one'))).uid, 'one')
})

t.test('a long document is read each time, and none is no account', async (t) => {
  const read = createAccountReader()
  const long = docOf(account('one', { text: 'x'.repeat(1_000) }))
  t.not(read(long), read(long))
  t.throws(() => read(Buffer.from('{')), SyntaxError)
})
