export { checkoutStatements } from './statements.ts'
