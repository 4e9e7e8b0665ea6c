export { mailStatements, mails } from './statements.ts'
