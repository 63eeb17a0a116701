-- topic: VECTOR columns
-- unfit: from mysql: its form is another
-- unfit: from mariadb-10: it has no VECTOR
-- unfit: to mariadb-10: it has no VECTOR
CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, w VECTOR(2));
INSERT INTO t VALUES (1, VEC_FromText('[1,2,3]'), NULL);
-- then:
INSERT INTO t VALUES (2, VEC_FromText('[0.5,-1,3e10]'), VEC_FromText('[1,1]'));
UPDATE t SET v = VEC_FromText('[9,9,9]') WHERE id = 1;
DELETE FROM t WHERE id = 2;
