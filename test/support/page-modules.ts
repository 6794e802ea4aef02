/**
 * `require` for a page: what a bundler would have put there. Packages are found from `test/clients`, their files run
 * unmodified inside the page's own global scope, so that every page has its own instance of each.
 */
import { readFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { type Context, Script } from 'node:vm'

type Wrapped = (module: { exports: unknown }, exports: unknown, require: Require, process: object) => void
type Require = (specifier: string) => unknown

/** Compiled once a process, run once a page. */
const scripts = new Map<string, Script>()

/** @returns the page's module loader: an absolute file in, its exports out */
export function createPageModules(page: Context): (file: string) => unknown {
  const loaded = new Map<string, { exports: unknown }>()

  function load(file: string): unknown {
    const known = loaded.get(file)
    if (known !== undefined) return known.exports
    const module: { exports: unknown } = { exports: page.Object() }
    loaded.set(file, module)
    const requireFrom = createRequire(file)
    const run = compile(file).runInContext(page) as Wrapped // by the text in `compile`
    const require: Require = (specifier) =>
      isBuiltin(specifier) ? requireFrom(specifier) : load(browserFile(requireFrom.resolve(specifier)))
    run.call(module.exports, module, module.exports, require, { env: { NODE_ENV: 'production' } })
    return module.exports
  }

  return load
}

function compile(file: string): Script {
  let script = scripts.get(file)
  if (script === undefined) {
    const text = `(function (module, exports, require, process) {${readFileSync(file, 'utf8')}\n})`
    script = new Script(text, { filename: file })
    scripts.set(file, script)
  }
  return script
}

/** The other main file that some packages have for browsers. */
function browserFile(file: string): string {
  const folder = dirname(file)
  const requireFrom = createRequire(file)
  try {
    const { browser } = requireFrom('./package.json')
    return typeof browser === 'string' && requireFrom.resolve(folder) === file ? join(folder, browser) : file
  } catch {
    return file // not in a package's top folder
  }
}
