\set ON_ERROR_STOP on
\ir purge.sql
