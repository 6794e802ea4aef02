/**
 * express-session with connect-redis, on Express and node-redis, as connect-redis shows it; its version 9, because 10 asks
 * for Node.js 22.
 *
 * For speed: `resave: false` and `saveUninitialized: false`, "required" and "recommended", and `disableTouch: true` "to cut
 * down the extra calls": https://github.com/tj/connect-redis#api. NODE_ENV is `production`:
 * https://expressjs.com/en/advanced/best-practice-performance.html.
 */
import { once } from 'node:events'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'

const LIFE_SECONDS = 86_400

const client = createClient({ socket: { path: new URL(process.env.REDIS_URL).pathname } })
await client.connect()

const app = express()
app.use(
  session({
    secret: 'a secret of thirty-two characters or more',
    store: new RedisStore({ client, prefix: 'express:', disableTouch: true }),
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: LIFE_SECONDS * 1000 },
  }),
)
app.post('/login', express.json(), (request, response) => {
  request.session.account = request.body
  response.json({})
})
app.get('/me', (request, response) => response.json({ success: true, data: request.session.account }))

const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)
