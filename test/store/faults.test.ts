import { ReplyError } from 'ioredis'
import t from 'tap'
import { StoreUnavailable } from '../../src/errors.js'
import { firstWord, orUnavailable, toFault } from '../../src/store/faults.js'

t.test('what Redis cannot do now is an outage; what we asked wrongly is a bug', async (t) => {
  const outages = [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica. script: f00, on @user_script:1.",
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script.',
    'MASTERDOWN Link with MASTER is down',
    'NOREPLICAS Not enough good replicas to write.',
    'MISCONF Redis is configured to save RDB snapshots',
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
  ].map((message) => new ReplyError(message))
  const lost = [
    new Error('Connection is closed.'),
    new Error('no answer from Redis within 250 ms'),
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  ]
  for (const error of [...outages, ...lost]) {
    const fault = toFault(error)
    t.type(fault, StoreUnavailable, String(error))
    t.match(fault, { cause: error, statusCode: 503, retryAfterSeconds: 1 })
  }
  const bugs = [
    'ERR user_script:7: attempt to index a nil value',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'NOPERM this user has no permissions',
  ].map((message) => new ReplyError(message))
  for (const bug of bugs) t.equal(toFault(bug), bug, String(bug))
})

t.test('waiting for an answer', async (t) => {
  t.equal(await orUnavailable(Promise.resolve(7)), 7)
  await t.rejects(orUnavailable(Promise.reject(new Error('Connection is closed.'))), {
    code: 'STORE_UNAVAILABLE',
  })
  const known = new StoreUnavailable(new Error('x'))
  await t.rejects(orUnavailable(Promise.reject(known)), known, 'translated once')
  t.equal(firstWord('OOM command'), 'OOM')
  t.equal(firstWord('OOM'), 'OOM')
  t.equal(firstWord(''), '')
})
