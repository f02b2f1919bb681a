-- drop table bookings; would lose every booking
select 'truncate bookings' as never;
