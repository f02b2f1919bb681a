begin;
truncate bookings, payments cascade;
commit;
