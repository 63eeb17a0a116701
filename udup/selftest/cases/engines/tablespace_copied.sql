-- topic: tables in general tablespaces of the source, made on the target for them
-- unfit: to mariadb: it has no general tablespaces
-- phase: copy
-- unfit: from mariadb: it cannot read "TABLESPACE conf_copied ADD DATAFILE"
-- unfit: from mysql-5.6: error 1478: Table storage engine 'InnoDB' does not support the create option 'TABLESPACE or
CREATE TABLESPACE conf_copied ADD DATAFILE 'conf_copied.ibd';
CREATE TABLESPACE conf_packed ADD DATAFILE 'conf_packed.ibd' FILE_BLOCK_SIZE=4096;
CREATE TABLE a (id INT PRIMARY KEY) TABLESPACE conf_copied;
CREATE TABLE b (id INT PRIMARY KEY, v INT, KEY (v)) TABLESPACE = conf_copied COMMENT 'TABLESPACE other';
CREATE TABLE c (id INT PRIMARY KEY) TABLESPACE conf_packed ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;
INSERT INTO a VALUES (1);
INSERT INTO b VALUES (1, 1);
INSERT INTO c VALUES (1);
