import t from 'tap'
import { gatewayCases } from './cases.js'
import type { Gateway } from './gateway.js'

const nginx: Gateway = {
  program: {
    packageName: 'nginx',
    program: 'usr/sbin/nginx',
    about: '-V',
    able: /--with-http_auth_request_module/,
  },
  family: 'nginx',
  example: ['nginx/nginx.conf'],
  // Its own folders are those of an installation.
  adapt: (text, dir) =>
    text.replace(
      'http {',
      `http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${dir}/${kind};`)
        .join(' ')}`,
    ),
  args: (file) => [
    ...['-p', '.', '-e', 'stderr', '-c', file],
    ...['-g', 'daemon off; master_process off; pid nginx.pid;'],
  ],
}

t.test('nginx', async (t) => gatewayCases(t, nginx))
