-- Who closed the fence, apart from the words: a promotion must not open what a person closed, nor a person's words hide a restore.
-- Locks: `sales_fence` in access exclusive mode, it has one row.

alter table holdfast.sales_fence
  add column closed_by_person boolean not null default false,
  -- Made again from a backup, and not opened since.
  add column restored boolean not null default false;
update holdfast.sales_fence
set closed_by_person = closed and not closed_by_history, restored = closed_by_history and coalesce(starts_with(reason, 'restored to '), false);
