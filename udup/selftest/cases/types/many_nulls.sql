-- topic: rows whose NULL bits fill more than a byte, all or none of them set
CREATE TABLE t (id INT PRIMARY KEY, c1 INT, c2 INT, c3 INT, c4 INT, c5 INT, c6 INT, c7 INT, c8 INT, c9 INT NOT NULL, c10 INT, c11 BIT(1), c12 BIT(3), c13 INT, c14 INT, c15 INT, c16 INT, c17 INT, c18 BIT(17));
INSERT INTO t (id, c9) VALUES (1, 1);
-- then:
INSERT INTO t VALUES (2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, b'1', b'101', 13, 14, 15, 16, 17, b'1');
UPDATE t SET c8 = 8, c16 = 16, c12 = b'11' WHERE id = 1;
UPDATE t SET c1 = NULL, c17 = NULL, c11 = NULL WHERE id = 2;
