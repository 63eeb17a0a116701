-- topic: ALTER TABLE … ENGINE both ways, between rows of both kinds
-- unfit: from mariadb-10.5: its MEMORY tables are full sooner under the suite's max_heap_table_size
-- unfit: to mariadb-10.5: the same there
CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=MyISAM;
CREATE TABLE u (id INT PRIMARY KEY, v INT);
INSERT INTO t VALUES (1, 1);
INSERT INTO u VALUES (1, 1);
-- then:
INSERT INTO t VALUES (2, 2);
INSERT INTO u VALUES (2, 2);
ALTER TABLE t ENGINE=InnoDB;
INSERT INTO t VALUES (3, 3);
UPDATE t SET v = v + 10;
ALTER TABLE u ENGINE=MyISAM;
INSERT INTO u VALUES (3, 3);
UPDATE u SET v = v + 10;
ALTER TABLE t ENGINE=MEMORY;
INSERT INTO t VALUES (4, 4);
DROP TABLE u;
CREATE TABLE u (id INT PRIMARY KEY);
INSERT INTO u VALUES (9);
ALTER TABLE t RENAME TO w, ENGINE=MyISAM;
INSERT INTO w VALUES (5, 5);
