import fc from 'fast-check'

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.HOLDFAST_TEST_SEED) })

export * from 'fast-check'
export default fc
