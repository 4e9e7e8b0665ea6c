export { type TicketRow, ticketStatements, tickets } from './statements.ts'
