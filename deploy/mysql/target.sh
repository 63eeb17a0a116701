#!/bin/bash
# The account by which Udup writes the target; the image's entrypoint reads this once. The file
# must not be executable: it would be run on its own then, and docker_process_sql is a function of the entrypoint's.
docker_process_sql <<SQL
SET sql_log_bin = 0;
CREATE USER 'udup'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_udup)';
GRANT REPLICATION_APPLIER, SESSION_VARIABLES_ADMIN, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SYSTEM_USER ON *.* TO 'udup'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON *.* TO 'udup'@'%';
GRANT CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT ON *.* TO 'udup'@'%';
SQL
