/** The arguments of `npm run bench`. */
import { parseArgs } from 'node:util'

export interface Settings {
  /** Names of scenarios; empty means all of them. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly pairs: number
  readonly seconds: number
  readonly connections: number
  readonly warmUpRequests: number
  readonly sessions: number
  /** Sessions in Redis where there are many. */
  readonly stored: number
  /** Of lasting load. */
  readonly minutes: number
  /** Entry point of the service. */
  readonly service: string
  readonly save: boolean
  /** Folder of kept results. */
  readonly results: string
}

/** What to print instead of running, and the exit code to leave with. */
export interface Instead {
  readonly text: string
  readonly exitCode: number
}

const help = (names: readonly string[]) => `npm run bench -- [options]

  --only NAME        only this scenario, may be repeated: ${names.join(', ')}
  --rounds N         turns that service and floor take, default 16
  --pairs N          of processes, service and floor, that share the rounds, default 4
  --seconds N        load on each side in a round, default 1
  --connections N    kept open, one request at a time on each, default 64
  --sessions N       that verifications are drawn from, default 100000: as many as a process keeps in memory
  --stored N         in Redis where requests are measured with many sessions in it, default 1000000
  --minutes N        of lasting load, default 10
  --quick            4 rounds of half a second: for a look, not for a figure
  --service FILE     entry point of the service, default dist/server.js
  --save             keep the result as <commit>.json
  --results DIR      where it is kept, default bench/results
  --help`

/** @param names of the scenarios there are */
export function readSettings(args: readonly string[], names: readonly string[]): Settings | Instead {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string' },
        pairs: { type: 'string' },
        seconds: { type: 'string' },
        connections: { type: 'string', default: '64' },
        'warm-up': { type: 'string', default: '20000' }, // requests; for tests of the bench itself
        sessions: { type: 'string', default: '100000' },
        stored: { type: 'string', default: '1000000' },
        minutes: { type: 'string', default: '10' },
        quick: { type: 'boolean', default: false },
        service: { type: 'string', default: 'dist/server.js' },
        save: { type: 'boolean', default: false },
        results: { type: 'string', default: 'bench/results' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return { text: help(names), exitCode: 0 }
    const unknown = values.only.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`there is no scenario "${unknown}"`)
    return {
      only: values.only,
      rounds: whole('rounds', values.rounds ?? (values.quick ? '4' : '16')),
      pairs: whole('pairs', values.pairs ?? (values.quick ? '1' : '4')),
      seconds: positive('seconds', values.seconds ?? (values.quick ? '0.5' : '1')),
      connections: whole('connections', values.connections),
      sessions: whole('sessions', values.sessions),
      stored: whole('stored', values.stored),
      minutes: positive('minutes', values.minutes),
      warmUpRequests: whole('warm-up', values['warm-up']),
      service: values.service,
      save: values.save,
      results: values.results,
    }
  } catch (error) {
    return {
      text: `${error instanceof Error ? error.message : String(error)}\n\n${help(names)}`,
      exitCode: 2,
    }
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 1_000_000)) throw new Error(`--${name} must be a number above 0, not "${text}"`)
  return value
}

function whole(name: string, text: string): number {
  const value = positive(name, text)
  if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number, not "${text}"`)
  return value
}
