select status, count(*) from bookings group by status;
