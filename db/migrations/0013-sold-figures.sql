-- What was sold and given back, beside what was held.
-- Locks: `sale_figures` in access exclusive mode for a moment (columns with constant defaults).

alter table holdfast.sale_figures
  add column sales int4 not null default 0,
  add column places_sold int4 not null default 0,
  add column sold_amount int8 not null default 0,
  add column declined int4 not null default 0,
  add column refunds int4 not null default 0,
  add column refunded_amount int8 not null default 0;
