// Redux with reducers written by hand: `switch` over the type, object spread.

import { importPackageFile } from './package_file.mjs'

export async function makeReduxContestant(scenario) {
  const file = scenario.bundled ? 'redux/dist/redux.browser.mjs' : 'redux/dist/redux.mjs'
  const { legacy_createStore, combineReducers, applyMiddleware } = await importPackageFile(
    scenario.packages,
    file,
  )
  const middleware = Array.from({ length: scenario.pass_through }, makePassThrough)
  if (scenario.keep_last > 0) middleware.push(makeRing(scenario.keep_last))
  const reducer = makeReducer(scenario, combineReducers)
  const store = middleware.length
    ? legacy_createStore(reducer, applyMiddleware(...middleware))
    : legacy_createStore(reducer)
  return surround(store, scenario, scenario.steps.map((step) => makeAction(scenario, step)))
}

// What stands around a store, the same for Redux and Redux Toolkit.
export function surround(store, scenario, actions) {
  const heard = { calls: 0 }
  for (let i = 0; i < scenario.subscribers; i += 1) store.subscribe(makeListener(scenario, heard))
  for (let i = 0; i < scenario.selections; i += 1) {
    store.subscribe(makeComparing(store, selectCounts[i % scenario.size], makeListener(scenario, heard)))
  }
  const { dispatch, getState } = store
  const runPass = scenario.reads_root
    ? () => { for (const action of actions) { dispatch(action); readRoot = getState() } }
    : () => { for (const action of actions) dispatch(action) }
  return { runPass, outcome: () => [...outcomeOf(scenario, getState()), [heard.calls]] }
}

export let readRoot // kept, so that V8 cannot leave the reading out

export function makePassThrough() {
  return () => (next) => (action) => next(action)
}

const selectCounts = [
  (root) => root.s0.count,
  (root) => root.s1.count,
  (root) => root.s2.count,
  (root) => root.s3.count,
  (root) => root.s4.count,
  (root) => root.s5.count,
  (root) => root.s6.count,
  (root) => root.s7.count,
]

function makeListener(scenario, heard) {
  return scenario.counts_calls ? () => { heard.calls += 1 } : () => {}
}

function makeComparing(store, select, listener) {
  let last = select(store.getState())
  return () => {
    const value = select(store.getState())
    if (value !== last) {
      const old = last
      last = value
      listener(value, old)
    }
  }
}

function makeRing(limit) {
  const ring = new Array(limit)
  let place = 0
  return () => (next) => (action) => {
    const result = next(action)
    ring[place] = action
    place = (place + 1) % limit
    return result
  }
}

export function newEntities(size) {
  const entities = {}
  for (let i = 0; i < size; i += 1) {
    entities[`entity-${i}`] = { value: 0, revision: 0, name: `entity ${i}` }
  }
  return { entities }
}

export function outcomeOf(scenario, state) {
  const numbers = Array.from({ length: scenario.size }, (_, i) => i)
  if (scenario.kind === 'counter') return [[state.count]]
  if (scenario.kind === 'entities') {
    return numbers.map((i) => state.entities[`entity-${i}`]).map((e) => [e.value, e.revision, e.name])
  }
  return numbers.map((i) => state[`s${i}`]).map((s) => [s.count, s.total, s.label])
}

function makeAction(scenario, step) {
  if (scenario.kind === 'counter') return { type: `counter/${step.verb}`, amount: step.amount }
  if (scenario.kind === 'entities') {
    return { type: 'entity/update', key: `entity-${step.target}`, value: step.amount }
  }
  return step.verb === 'add'
    ? { type: `slice_${step.target}/add`, amount: step.amount }
    : { type: `slice_${step.target}/rename`, label: step.label }
}

function makeReducer(scenario, combineReducers) {
  if (scenario.kind === 'counter') return reduceCounter
  if (scenario.kind === 'entities') return makeEntitiesReducer(scenario.size)
  const slices = {}
  for (let i = 0; i < scenario.size; i += 1) slices[`s${i}`] = makeSliceReducer(i)
  return combineReducers(slices)
}

function makeSliceReducer(number) {
  const add = `slice_${number}/add`
  const rename = `slice_${number}/rename`
  const initial = { count: 0, total: 0, label: '' }
  return (state = initial, action) => {
    switch (action.type) {
      case add:
        return { ...state, count: state.count + action.amount, total: state.total + 1 }
      case rename:
        return { ...state, label: action.label }
      default:
        return state
    }
  }
}

function reduceCounter(state = { count: 0 }, action) {
  switch (action.type) {
    case 'counter/add':
      return { ...state, count: state.count + action.amount }
    case 'counter/subtract':
      return { ...state, count: state.count - action.amount }
    default:
      return state
  }
}

function makeEntitiesReducer(size) {
  const initial = newEntities(size)
  return (state = initial, action) => {
    if (action.type !== 'entity/update') return state
    const old = state.entities[action.key]
    const entity = { ...old, value: action.value, revision: old.revision + 1 }
    return { ...state, entities: { ...state.entities, [action.key]: entity } }
  }
}
