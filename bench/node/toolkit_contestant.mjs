// Redux Toolkit: `createSlice` (so Immer) and `configureStore` with its production middleware.

import { importPackageFile } from './package_file.mjs'
import { makePassThrough, newEntities, surround } from './redux_contestant.mjs'

export async function makeToolkitContestant(scenario) {
  const toolkit = await importPackageFile(
    scenario.packages,
    '@reduxjs/toolkit/dist/redux-toolkit.modern.mjs',
  )
  const slices = makeSlices(scenario, toolkit.createSlice)
  const passThrough = Array.from({ length: scenario.pass_through }, makePassThrough)
  const store = toolkit.configureStore({
    reducer:
      scenario.kind === 'slices'
        ? Object.fromEntries(slices.map((slice) => [slice.name, slice.reducer]))
        : slices[0].reducer,
    middleware: (getDefault) => getDefault().concat(passThrough),
    devTools: false,
  })
  const actions = scenario.steps.map((step) => {
    const make = slices[scenario.kind === 'slices' ? step.target : 0].actions[step.verb]
    if (scenario.kind === 'entities') return make({ key: `entity-${step.target}`, value: step.amount })
    return make(step.verb === 'rename' ? step.label : step.amount)
  })
  return surround(store, scenario, actions)
}

function makeSlices(scenario, createSlice) {
  if (scenario.kind === 'counter') return [createSlice(counterOptions)]
  if (scenario.kind === 'entities') return [createSlice(makeEntitiesOptions(scenario.size))]
  return Array.from({ length: scenario.size }, (_, number) =>
    createSlice({
      name: `s${number}`,
      initialState: { count: 0, total: 0, label: '' },
      reducers: {
        add(state, action) {
          state.count += action.payload
          state.total += 1
        },
        rename(state, action) {
          state.label = action.payload
        },
      },
    }),
  )
}

const counterOptions = {
  name: 'counter',
  initialState: { count: 0 },
  reducers: {
    add(state, action) {
      state.count += action.payload
    },
    subtract(state, action) {
      state.count -= action.payload
    },
  },
}

function makeEntitiesOptions(size) {
  return {
    name: 'entities',
    initialState: newEntities(size),
    reducers: {
      update(state, action) {
        const entity = state.entities[action.payload.key]
        entity.value = action.payload.value
        entity.revision += 1
      },
    },
  }
}
