-- The trace of the request that a mail comes from, so that a buyer's mail is found from their checkout and the other way round.
-- Locks: `mails` in access exclusive mode for a moment (a column without a default).

alter table holdfast.mails add column traceparent text;
