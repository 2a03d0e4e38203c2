// reselect: one selector of three inputs, asked about one state or about two in turn.

import { importPackageFile } from './package_file.mjs'

const callsOfOnePass = 1000

export async function makeReselectContestant(scenario) {
  const { createSelector, lruMemoize } = await importPackageFile(scenario.packages, 'reselect/dist/reselect.mjs')
  const select = createSelector(
    [(root) => root.s0, (root) => root.s1, (root) => root.s2],
    (a, b, c) => a.count + b.count + c.count,
    // By default it would remember both states, and never look at its inputs again.
    scenario.other_slice_changes ? { argsMemoize: lruMemoize } : {},
  )
  const first = makeRoot()
  const second = scenario.other_slice_changes ? { ...first, s3: makeSlice(1) } : first
  let sum = 0
  return {
    runPass() {
      sum = 0
      // Ten calls a turn, as in the Python contestants, so that the loop costs nothing.
      for (let i = 0; i < callsOfOnePass / 10; i += 1) {
        sum += select(first) + select(second) + select(first) + select(second) + select(first)
        sum += select(second) + select(first) + select(second) + select(first) + select(second)
      }
    },
    outcome: () => [[sum / callsOfOnePass]],
  }
}

function makeSlice(count) {
  return { count, total: 0, label: '' }
}

function makeRoot() {
  return { s0: makeSlice(1), s1: makeSlice(2), s2: makeSlice(3), s3: makeSlice(0) }
}
