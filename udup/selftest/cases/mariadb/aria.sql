-- topic: tables of the engine Aria, transactional and not, and what commits with them
-- unfit: from mysql: it has no such engine
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20)) ENGINE=Aria TRANSACTIONAL=1;
CREATE TABLE n (id INT PRIMARY KEY, a VARCHAR(20)) ENGINE=Aria TRANSACTIONAL=0;
INSERT INTO t VALUES (1, 'x');
INSERT INTO n VALUES (1, 'x');
-- then:
CREATE TABLE i (id INT PRIMARY KEY) ENGINE=InnoDB;
BEGIN;
INSERT INTO i VALUES (1);
INSERT INTO t VALUES (2, 'with');
INSERT INTO i VALUES (2);
COMMIT;
UPDATE n SET a = 'changed';
ALTER TABLE n TRANSACTIONAL=DEFAULT ENGINE=InnoDB;
