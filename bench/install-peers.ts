/** The packages that the bench compares with are nobody's dependency: they are installed when a scenario needs them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Scenario } from './scenario.js'

/**
 * Installs the peers when any is among the scenarios.
 *
 * @returns the scenarios that can be measured: without the peers when they cannot be installed, which is then said
 * @throws Error when none is left
 */
export async function withPeers(
  wanted: readonly Scenario[],
  say: (line: string) => void,
): Promise<readonly Scenario[]> {
  if (wanted.every(({ peer }) => peer === undefined)) return wanted
  const installer = spawn(process.execPath, ['scripts/install-peers.mjs'], { stdio: 'inherit' })
  const [exitCode] = await once(installer, 'exit')
  if (exitCode === 0) return wanted
  const others = wanted.filter(({ peer }) => peer === undefined)
  if (others.length === 0) throw new Error('the peers could not be installed')
  say('The peers could not be installed: the rest is measured without them.')
  return others
}
