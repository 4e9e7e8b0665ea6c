-- Orders that cost nothing have a payment too: it says whom to write to. And what is quarantined is found without reading the inbox.
-- Locks: `payments` in access exclusive mode while its rows are checked again (they are few, one an order), `payment_events` against
-- writers while the index is built over what is quarantined.

alter table holdfast.payments
  drop constraint payments_amount_check,
  add constraint payments_amount_check check (amount >= 0),
  drop constraint only_captured_money_is_counted,
  add constraint only_captured_money_is_counted check (
    status in ('captured', 'refund_pending', 'partly_refunded', 'refunded') = (captured_amount > 0)
    or status = 'quarantined' or (amount = 0 and status = 'captured'));

create index payment_events_quarantined on holdfast.payment_events (received_at) where state = 'quarantined';
