export { sourceStatements } from './source-statements.ts'
export { messageCursors, messageStatements, parkedMessages } from './statements.ts'
