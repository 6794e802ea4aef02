/** What the presentation of a token adds to the audit trail: nothing on most days. */
import type { Audit, EventType } from '../event.js'
import type { Use } from '../session.js'
import type { Presented } from '../store/sessions.js'

const eventTypes = {
  replay: 'session.replayed',
  fork: 'session.forked',
  'reissue-limit': 'session.unconfirmed',
  ahead: 'session.ahead',
} as const satisfies Record<string, EventType>

/** Records a theft, an alarm or a repair, with the addresses of both parties where there are two. */
export function auditPresented(audit: Audit, presented: Presented, use: Use | undefined): void {
  switch (presented.verdict) {
    case 'replay':
    case 'fork':
    case 'reissue-limit':
    case 'ahead': {
      const { session, lastUse, ended } = presented
      audit({
        type: eventTypes[presented.verdict],
        uid: session.uid,
        handle: session.handle,
        kind: session.kind,
        reason: ended ? 'the session was ended' : 'the request was refused',
        ip: use?.ip,
        userAgent: use?.userAgent,
        otherIp: lastUse.ip,
        ended: ended ? 1 : 0,
      })
      return
    }
    case 'rotated':
    case 'reissued':
    case 'current':
    case 'accepted':
      if (presented.repair === undefined) return
      audit({
        type: presented.repair === 'repaired' ? 'session.repaired' : 'session.fast_forwarded',
        uid: presented.session.uid,
        handle: presented.session.handle,
        reason: 'Redis had lost writes',
        ip: use?.ip,
        userAgent: use?.userAgent,
      })
      return
    default:
      return
  }
}
