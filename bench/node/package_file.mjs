// Loading a pinned package from the folder that the bench installed it into.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// `file` is the one that Node's own `import` of the package's name would load, or its bundle build.
export function importPackageFile(packages, file) {
  return import(pathToFileURL(join(packages, 'node_modules', file)).href)
}
