-- topic: BLACKHOLE keeps nothing, beside InnoDB in one transaction
-- refused: to mariadb: engine
-- unfit: from mariadb: it has no engine BLACKHOLE
CREATE TABLE b (id INT PRIMARY KEY, v INT) ENGINE=BLACKHOLE;
CREATE TABLE i (id INT PRIMARY KEY);
INSERT INTO b VALUES (1, 1);
-- then:
BEGIN;
INSERT INTO b VALUES (2, 2);
INSERT INTO i VALUES (1);
COMMIT;
UPDATE b SET v = 3;
DELETE FROM b;
TRUNCATE b;
