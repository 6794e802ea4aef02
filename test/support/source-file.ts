/** What a source file imports, and what is wrong with it by itself: read from the syntax tree, so that no spelling escapes. */
import ts from 'typescript'

export interface SourceFile {
  /** Relative to `src/`, with forward slashes. */
  path: string
  text: string
}

export interface Import {
  line: number
  specifier: string
  typeOnly: boolean
}

export interface Parsed extends SourceFile {
  imports: Import[]
  /** What is wrong with the file by itself, as `line` and words. */
  faults: { line: number; what: string }[]
}

/** Reads a TypeScript file; of others only the text counts. */
export function parse(file: SourceFile): Parsed {
  const { path, text } = file
  if (!path.endsWith('.ts')) return { ...file, imports: [], faults: [] }
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  const imports: Import[] = []
  const faults: Parsed['faults'] = []
  const lineOf = (node: ts.Node) => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
  const fault = (node: ts.Node, what: string) => faults.push({ line: lineOf(node), what })

  const visit = (node: ts.Node): void => {
    const found = readImport(node)
    if (found !== undefined) imports.push({ line: lineOf(node), ...found })
    if (path !== 'config.ts' && readsEnvironment(node))
      fault(node, 'reads the environment: only config.ts may')
    ts.forEachChild(node, visit)
  }
  visit(tree)
  /** What exports nothing is a script: its variables are nobody else's state. */
  const isModule = tree.statements.some(
    (statement) => ts.isExportDeclaration(statement) || isExported(statement),
  )
  for (const statement of tree.statements) {
    if (
      isModule &&
      ts.isVariableStatement(statement) &&
      !(statement.declarationList.flags & ts.NodeFlags.Const)
    )
      fault(statement, 'keeps state in a module: pass it as an argument')
    if (ts.isFunctionDeclaration(statement) && isExported(statement) && !hasDocstring(statement))
      fault(statement, `exports ${statement.name?.text} without a docstring`)
  }
  return { ...file, imports, faults }
}

const isExported = (node: ts.Statement) =>
  ts.canHaveModifiers(node) &&
  node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
const hasDocstring = (node: ts.FunctionDeclaration) => ts.getJSDocCommentsAndTags(node).length > 0

function readImport(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const { moduleSpecifier } = node
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return undefined
    return { specifier: moduleSpecifier.text, typeOnly: isTypeOnly(node) }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments
    return {
      specifier: specifier && ts.isStringLiteral(specifier) ? specifier.text : '(computed)',
      typeOnly: false,
    }
  }
  if (
    ts.isImportTypeNode(node) &&
    ts.isLiteralTypeNode(node.argument) &&
    ts.isStringLiteral(node.argument.literal)
  )
    return { specifier: node.argument.literal.text, typeOnly: true }
  return undefined
}

/** Whether nothing of `node` is left at run time: `import type`, or `type` before every name. */
function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const { importClause } = node
  if (importClause === undefined) return false
  if (importClause.isTypeOnly) return true
  const { name, namedBindings } = importClause
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
  )
}

/** `process.env`, `process['env']`, `const { env } = process`, or the module that would hide them. */
function readsEnvironment(node: ts.Node): boolean {
  const isProcess = (expression: ts.Node | undefined) =>
    expression !== undefined && ts.isIdentifier(expression) && expression.text === 'process'
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env'
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression)
  if (ts.isVariableDeclaration(node)) return isProcess(node.initializer)
  return ts.isImportDeclaration(node) && /^['"](node:)?process['"]$/.test(node.moduleSpecifier.getText())
}
