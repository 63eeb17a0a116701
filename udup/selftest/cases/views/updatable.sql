-- topic: rows changed through views, joins of views, with check options
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(5));
CREATE VIEW v AS SELECT id, a FROM t WHERE a > 0 WITH CHECK OPTION;
INSERT INTO v VALUES (1, 1), (2, 2);
-- then:
UPDATE v SET a = a + 1;
-- error: 1369
INSERT INTO v VALUES (3, -3);
DELETE FROM v WHERE id = 2;
INSERT INTO v VALUES (4, 4);
