-- topic: tables of other engines made while the job runs, without rows
-- phase: incremental
-- unfit: from mariadb: it has no engine BLACKHOLE
-- refused: to mariadb: engine
CREATE TABLE a (id INT) ENGINE=BLACKHOLE;
INSERT INTO a VALUES (1), (2);
CREATE TABLE m (id INT PRIMARY KEY, a INT) ENGINE=MyISAM;
ALTER TABLE m ENGINE=InnoDB;
INSERT INTO m VALUES (3, 3);
