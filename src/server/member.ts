/** One worker as the primary knows it. */
import cluster from 'node:cluster'
import type { Figures } from '../http/metrics.js'
import type { Order, Report } from './messages.js'

type Question = Extract<Order, { id: number }>
type WithoutId<Q> = Q extends Question ? Omit<Q, 'id'> : never

export interface Member {
  readonly pid: number
  /** Monotonic ms. */
  readonly startedAt: number
  /** Resolves with how, once it has ended and nothing more can come from it. Never rejects. */
  readonly ended: Promise<string>
  tell(order: Exclude<Order, Question>): void
  /** Resolves when it is done. @throws Error with the worker's own words, or because it ended */
  ask(question: WithoutId<Question>): Promise<Figures | undefined>
  kill(): void
}

/** @param onReport gets what the worker says without being asked */
export function startMember(onReport: (member: Member, report: Report) => void): Member {
  const worker = cluster.fork()
  const questions = new Map<number, { resolve(figures?: Figures): void; reject(error: Error): void }>()
  let asked = 0
  let exit: string | undefined

  /** Orders wait for somebody who hears them; undefined as soon as there is. */
  let unheard: Order[] | undefined = []

  const send = (order: Order): void => {
    if (unheard !== undefined) unheard.push(order)
    else if (worker.isConnected()) worker.send(order)
  }
  const ended = new Promise<string>((resolve) => {
    // Its last words may be read after its exit is known, never after the end of the channel.
    const end = (): void => {
      if (exit === undefined || worker.isConnected()) return
      for (const { reject } of questions.values()) reject(hasEnded(exit))
      resolve(exit)
    }
    worker.on('disconnect', end)
    worker.on('exit', (code, signal) => {
      exit = signal ?? `exit code ${code}`
      end()
    })
  })
  worker.on('error', () => {}) // what could not be sent: that it ends will be heard
  worker.on('message', (report: Report) => {
    if ('ready' in report) {
      const waiting = unheard ?? []
      unheard = undefined
      waiting.forEach(send)
    } else if ('done' in report) questions.get(report.done)?.resolve(report.figures)
    else if ('failed' in report) questions.get(report.failed)?.reject(new Error(report.why))
    else onReport(member, report)
  })

  const member: Member = {
    pid: worker.process.pid ?? 0,
    startedAt: performance.now(),
    ended,
    tell: send,
    async ask(question) {
      if (exit !== undefined) throw hasEnded(exit)
      const id = asked++
      try {
        return await new Promise((resolve, reject) => {
          questions.set(id, { resolve, reject })
          send({ ...question, id })
        })
      } finally {
        questions.delete(id)
      }
    },
    kill: () => void worker.process.kill('SIGKILL'),
  }
  return member
}

const hasEnded = (how: string): Error => new Error(`a worker has ended (${how})`)
