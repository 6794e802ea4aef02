/** What must hold behind every gateway, played against the real program with the configuration that `examples/` shows. */
import type { Test } from 'tap'
import { access } from './access.js'
import { crossing, forgeries } from './crossing.js'
import { type Gateway, openWorld } from './gateway.js'
import { oneBrowser } from './one-browser.js'
import { outages } from './outages.js'
import { paths } from './paths.js'

/** Runs all cases on one gateway; skipped, or in CI failed, where its program cannot be had. */
export async function gatewayCases(t: Test, gateway: Gateway): Promise<void> {
  const world = await openWorld(t, gateway)
  if (world === undefined) return
  await t.test('access', async (t) => access(t, world))
  await t.test('forgeries', async (t) => forgeries(t, world))
  await t.test('crossing', async (t) => crossing(t, world))
  await t.test('paths', async (t) => paths(t, world, gateway.family))
  await t.test('one browser', async (t) => oneBrowser(t, world))
  await t.test('outages', async (t) => outages(t, world))
}
