-- topic: MEMORY tables with hash and tree indexes, emptied and filled
-- unfit: from mariadb-10.5: its MEMORY tables are full sooner under the suite's max_heap_table_size
-- unfit: to mariadb-10.5: the same there
CREATE TABLE m (id INT PRIMARY KEY, a VARCHAR(10), KEY (a) USING BTREE, KEY h (a) USING HASH) ENGINE=MEMORY MAX_ROWS=1000;
CREATE TABLE bare (id INT) ENGINE=HEAP;
INSERT INTO m VALUES (1, 'x'), (2, 'y'), (3, NULL);
-- then:
INSERT INTO m VALUES (4, 'z');
UPDATE m SET a = 'changed' WHERE id = 1;
DELETE FROM m WHERE id = 2;
INSERT INTO bare VALUES (1), (1);
TRUNCATE bare;
INSERT INTO bare VALUES (5);
CREATE TABLE later (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) ENGINE=MEMORY AUTO_INCREMENT=100;
INSERT INTO later (v) VALUES (1), (2);
