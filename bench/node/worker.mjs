// One contestant in a process of its own: reads one JSON command a line, answers one line each.
//
// What belongs here: the protocol and the measuring.  What does not: any library.
//
// Commands: {"prepare": SCENARIO}, {"passes": N}, {"outcome": true}.

import { createInterface } from 'node:readline'

import { makeReselectContestant } from './reselect_contestant.mjs'
import { makeReduxContestant } from './redux_contestant.mjs'
import { makeToolkitContestant } from './toolkit_contestant.mjs'

const makers = {
  redux: makeReduxContestant,
  toolkit: makeToolkitContestant,
  reselect: makeReselectContestant,
}

let contestant

async function answer(command) {
  if (command.prepare !== undefined) {
    contestant = await makers[command.prepare.library](command.prepare)
    return { ready: true }
  }
  if (command.passes !== undefined) {
    return { seconds: measure(contestant.runPass, command.passes) }
  }
  return { outcome: contestant.outcome() }
}

// CPU time of the whole process, so also what V8 compiles and collects on other threads.
function measure(runPass, passes) {
  globalThis.gc?.()
  const begin = process.cpuUsage()
  for (let pass = 0; pass < passes; pass += 1) {
    runPass()
  }
  const spent = process.cpuUsage(begin)
  return (spent.user + spent.system) / 1e6
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line))))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error?.stack ?? error) }))
  }
}
