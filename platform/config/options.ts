import { flag, integer, oneOf, someOf, text, url } from './declare.ts'

export const roles = ['api', 'webhooks', 'gate', 'relay', 'worker'] as const
export type Role = (typeof roles)[number]

const postgres = ['postgres:', 'postgresql:']

/** Every setting of Holdfast. `docs/reference/config.md` and `holdfast config explain` are printed from this table. */
export const options = {
  PORT: integer({ min: 0, max: 65535, default: 3000, help: 'Port of the HTTP server; 0 takes any free one.' }),
  HOST: text({ default: '127.0.0.1', help: 'Address to listen on; 0.0.0.0 for all interfaces.' }),
  PUBLIC_URL: url({
    protocols: ['http:', 'https:'],
    help: 'Where the world reaches this server; used in links. Absent: http://HOST:PORT.',
  }),
  HOLDFAST_DATA: text({ default: './data', help: 'Folder for the embedded database, keys, mailbox and artefacts.' }),
  HOLDFAST_BACKUP_DIR: text({
    help: 'Folder of backups of the embedded database: its log is archived there within 30 s, `holdfast backup` adds copies. On another disk, or it is lost with the first. Absent: no archive.',
  }),
  HOLDFAST_KEYS_PASSPHRASE: text({
    secret: true,
    help: 'Opens what `holdfast keys backup` writes. Absent: it is asked for at the terminal. The server does not read it.',
  }),
  HOLDFAST_ROLES: someOf(roles, {
    default: roles,
    help: 'What this process does. Routes, jobs and consumers of each role: apps/server/roles.ts.',
  }),
  DATABASE_URL: url({
    protocols: postgres,
    secret: true,
    help: 'PostgreSQL 15 or later; may be a pooler in transaction mode. Absent: the embedded server.',
  }),
  DATABASE_DIRECT_URL: url({
    protocols: postgres,
    secret: true,
    help: 'The same database without a pooler, for migrations. Absent: DATABASE_URL.',
  }),
  DATABASE_READ_URL: url({
    protocols: postgres,
    secret: true,
    help: 'A replica for catalogue, search and reports; nothing that decides a sale reads there. Absent: DATABASE_URL.',
  }),
  HOLDFAST_HOLD_LANES: integer({
    min: 1,
    max: 8,
    default: 2,
    unit: 'connections',
    help: 'Hold batches in flight at once. Two let one batch collect and send while the other commits.',
  }),
  HOLDFAST_POOL_READ: integer({ min: 1, max: 100, default: 8, unit: 'connections', help: 'Pool for browsing.' }),
  HOLDFAST_POOL_STAFF: integer({
    min: 1,
    max: 50,
    default: 4,
    unit: 'connections',
    help: 'Pool for staff and reports.',
  }),
  HOLDFAST_POOL_SALE: integer({
    min: 1,
    max: 100,
    default: 8,
    unit: 'connections',
    help: 'Pool for what buyers do to a reservation they have: extend, cancel, look.',
  }),
  HOLDFAST_POOL_PAY: integer({
    min: 2,
    max: 100,
    default: 8,
    unit: 'connections',
    help: 'Pool for checkout, settling and refunds.',
  }),
  STRIPE_SECRET_KEY: text({
    secret: true,
    help: 'Secret key of the Stripe account that takes the money. Absent: the payment sandbox, which takes none.',
  }),
  STRIPE_WEBHOOK_SECRET: text({
    secret: true,
    help: 'Signing secret of the webhook endpoint; several, separated by commas, while one is being changed.',
  }),
  STRIPE_PUBLISHABLE_KEY: text({ help: 'Publishable key of the same account, given to browsers.' }),
  HOLDFAST_SANDBOX: flag({
    default: true,
    help: 'Without STRIPE_SECRET_KEY, start the payment sandbox, or use the one that runs on HOLDFAST_DATA/sandbox. false: no payments.',
  }),
  HOLDFAST_SANDBOX_PORT: integer({
    min: 0,
    max: 65535,
    default: 0,
    help: 'Port of the payment sandbox; 0 takes any free one, and then keeps it.',
  }),
  SMTP_URL: url({
    protocols: ['smtp:', 'smtps:'],
    secret: true,
    help: 'Mail server, smtp://user:password@host:587. Absent: mails are kept in HOLDFAST_DATA/mailbox, to be read at /sandbox/mailbox.',
  }),
  HOLDFAST_MAIL_FROM: text({
    default: 'Holdfast <tickets@holdfast.localhost>',
    help: 'Sender of mails to buyers.',
  }),
  HOLDFAST_DEMO: flag({
    help: 'Import the demo events into an empty catalogue. Absent: true with the embedded database, else false.',
  }),
  HOLDFAST_ADMIN_EMAIL: text({ default: 'admin@holdfast.localhost', help: 'Mail address of the first administrator.' }),
  HOLDFAST_ADMIN_PASSWORD: text({
    secret: true,
    help: 'Password of the first administrator. Absent: one is made and printed once.',
  }),
  HOLDFAST_TOKEN_SECRET: text({
    secret: true,
    help: 'Key of access tokens, at least 32 characters, the same in every process. Absent: made once, kept in HOLDFAST_DATA/keys.',
  }),
  HOLDFAST_TOKEN_SECRET_PREVIOUS: text({
    secret: true,
    help: 'The key before HOLDFAST_TOKEN_SECRET was changed. Its tokens stay good; drop it after 7 days.',
  }),
  HOLDFAST_TRUSTED_PROXIES: text({
    help: 'Addresses or networks of the reverse proxies before this server, separated by commas; only from them is X-Forwarded-For believed. Absent: nobody.',
  }),
  HOLDFAST_METRICS_TOKEN: text({
    secret: true,
    help: 'Bearer token for /metrics. Absent: /metrics answers on the loopback interface alone.',
  }),
  HOLDFAST_LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error'], {
    default: 'info',
    help: 'How much is logged. `debug` adds one line per request.',
  }),
  HOLDFAST_DRAIN_SECONDS: integer({
    min: 0,
    max: 300,
    default: 25,
    unit: 'seconds',
    help: 'How long a stopping server finishes requests under way.',
  }),
} as const

/** Settings of the contract whose adapters do not exist yet. Set ones are named at start, so that nobody relies on them. */
export const later = ['REDIS_URL', 'KAFKA_BROKERS', 'S3_BUCKET', 'DYNAMODB_TABLE', 'OPENSEARCH_URL'] as const
