/** Browsers for tests: jsdom windows with real XMLHttpRequest, so that CORS holds, and tabs that share what tabs share. */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Context } from 'node:vm'
import type { Test } from 'tap'
import { inCheckout } from './checkout.js'
import { createPageModules } from './page-modules.js'

/** One profile: its tabs share cookies and local storage, as tabs of one origin do; another browser is another device. */
export interface Browser {
  /**
   * Opens a page that runs `script` (a CommonJS file in `test/clients/pages`, a function of `settings`) and nothing else.
   *
   * @returns what the script returns for the test to call: the page's buttons, so to say
   */
  open<Page>(script: string, settings: object): Tab<Page>
}

export interface Tab<Page> {
  page: Page
  /** As a user closes it: timers stop, requests under way are aborted. */
  close(): void
}

/** What of jsdom is used here; its package is installed in `test/clients` only. */
interface Jsdom {
  CookieJar: new () => object
  VirtualConsole: new () => object
  JSDOM: new (
    html: string,
    options: object,
  ) => { window: { close(): void; localStorage: object }; getInternalVMContext(): Context }
}

const clients = inCheckout('test/clients')

/** @param origin of every page; the service must allow it */
export function openBrowser(t: Test, origin: string): Browser {
  const { CookieJar, JSDOM, VirtualConsole } = createRequire(`${clients}/`)('jsdom') as Jsdom
  const cookieJar = new CookieJar()
  // Without this, a page's failed requests and errors would be printed among the test's lines.
  const virtualConsole = new VirtualConsole()
  const windows = new Set<{ close(): void }>()

  function openWindow() {
    const dom = new JSDOM('<!doctype html><title>test</title>', {
      url: `${origin}/`,
      runScripts: 'outside-only',
      cookieJar,
      virtualConsole,
    })
    windows.add(dom.window)
    return dom
  }

  const first = openWindow()
  t.teardown(() => {
    for (const window of windows) window.close()
  })

  return {
    open<Page>(script: string, settings: object) {
      const dom = openWindow()
      Object.defineProperty(dom.window, 'localStorage', { value: first.window.localStorage })
      const load = createPageModules(dom.getInternalVMContext())
      const run = load(resolve(clients, 'pages', script)) as (settings: object) => Page // its contract, above
      return {
        page: run(settings),
        close: () => {
          windows.delete(dom.window)
          dom.window.close()
        },
      }
    },
  }
}
