-- topic: system-versioned tables that name the columns of their period; partitions by time
-- unfit: from mysql: it has no system versioning
-- refused: from mariadb to mysql: a column of SYSTEM VERSIONING
-- refused: from mariadb-10 to mariadb-11: it names the columns of its period
-- refused: from mariadb-11 to mariadb-10.11: it names the columns of its period
-- refused: from mariadb to mariadb-10.5: cannot be copied to a target before MariaDB 10.11
CREATE TABLE e (id INT PRIMARY KEY, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, a INT, until TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING;
INSERT INTO e (id, a) VALUES (1, 1), (2, 2);
UPDATE e SET a = 10 WHERE id = 1;
CREATE TABLE p (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 MONTH STARTS '2020-01-01 00:00:00' (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pn CURRENT);
INSERT INTO p VALUES (1, 1), (2, 2);
UPDATE p SET a = a + 1;
-- then:
UPDATE e SET a = 20 WHERE id = 1;
DELETE FROM e WHERE id = 2;
UPDATE p SET a = a + 1;
DELETE FROM p WHERE id = 2;
