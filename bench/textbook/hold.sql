\set event random(1, 40)
\set pair random(0, 14999)
\set user random(1, 2000000000)
begin;
select seat_no, status from textbook.seats where event_no = :event and seat_no in (:pair * 2, :pair * 2 + 1) order by seat_no for update;
update textbook.seats set status = 'held', reservation_id = gen_random_uuid(), held_until = now() + interval '10 minutes'
  where event_no = :event and seat_no in (:pair * 2, :pair * 2 + 1) and (status = 'available' or held_until < now());
insert into textbook.reservations (reservation_id, event_no, user_id, state, expires_at, amount, key)
  values (gen_random_uuid(), :event, :user, 'pending_payment', now() + interval '10 minutes', 10000, gen_random_uuid());
insert into textbook.outbox (event_no, type, payload)
  values (:event, 'ReservationCreated', jsonb_build_object('event', :event::int, 'seats', jsonb_build_array(:pair::int * 2, :pair::int * 2 + 1), 'user', :user::int8));
commit;
