#!/bin/bash
# The account by which Udup reads the source; the image's entrypoint reads this once. The file
# must not be executable: it would be run on its own then, and docker_process_sql is a function of the entrypoint's.
docker_process_sql <<SQL
SET sql_log_bin = 0;
CREATE USER 'udup'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_udup)';
GRANT SELECT, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT, SHOW_ROUTINE ON *.* TO 'udup'@'%';
GRANT LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON *.* TO 'udup'@'%';
SQL
# Something to replicate.
docker_process_sql <<SQL
CREATE DATABASE shop;
CREATE TABLE shop.orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, item VARCHAR(100) NOT NULL, pieces INT NOT NULL);
INSERT INTO shop.orders (item, pieces) VALUES ('tea', 3), ('coffee', 1), ('sugar', 7);
SQL
