-- topic: general tablespaces that are made, used and left while the job runs
-- unfit: to mariadb: it has no general tablespaces
-- phase: incremental
-- unfit: from mariadb: it cannot read "TABLESPACE conf_made ADD DATAFILE 'c"
-- unfit: from mysql-5.6: error 1478: Table storage engine 'InnoDB' does not support the create option 'TABLESPACE or
CREATE TABLE x (id INT);
-- then:
CREATE TABLESPACE conf_made ADD DATAFILE 'conf_made.ibd';
CREATE TABLE t (id INT) TABLESPACE conf_made;
INSERT INTO t VALUES (1);
ALTER TABLE x TABLESPACE conf_made;
INSERT INTO x VALUES (1);
ALTER TABLE t TABLESPACE innodb_file_per_table;
CREATE TABLE `u``x` (a INT) /*!50100 TABLESPACE `conf_made` */ ENGINE=InnoDB;
DROP TABLE x, `u``x`;
DROP TABLESPACE conf_made;
INSERT INTO t VALUES (2);
