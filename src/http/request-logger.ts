/** The logger of a request, made when it first has something to say: most have not, and making one is felt in each. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'

type Make = Parameters<FastifyInstance['setChildLoggerFactory']>[0]

const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent', 'child'] as const

/** Stands for a logger until one is needed; it has a logger's methods on its prototype, set below. */
class Awaited {
  #made: FastifyBaseLogger | undefined
  readonly #make: () => FastifyBaseLogger

  constructor(make: () => FastifyBaseLogger) {
    this.#make = make
  }

  get own(): FastifyBaseLogger {
    this.#made ??= this.#make()
    return this.#made
  }

  get level(): string {
    return this.own.level
  }
}

for (const method of methods)
  Object.defineProperty(Awaited.prototype, method, {
    value(this: Awaited, ...args: unknown[]): unknown {
      return Reflect.apply(this.own[method], this.own, args)
    },
  })

/** For Fastify's `setChildLoggerFactory`. */
export const lazyLogger: Make = (parent, bindings, options) =>
  // The compiler does not see the methods that the loop above has set.
  new Awaited(() => parent.child(bindings, options)) as unknown as FastifyBaseLogger
