export { sourceStatements } from './source-statements.ts'
export { inbox, messageCursors, messageStatements, parkedMessages } from './statements.ts'
