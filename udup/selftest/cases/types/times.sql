-- topic: TIME beyond a day, negative, with fractions; YEAR at both ends
CREATE TABLE t (id INT PRIMARY KEY, a TIME, b TIME(1), c TIME(3), d TIME(6), y YEAR);
INSERT INTO t VALUES (1, '-838:59:59', '-838:59:59.0', '-838:59:58.999', '-838:59:58.999999', 1901);
-- then:
INSERT INTO t VALUES (2, '838:59:59', '838:59:59.0', '838:59:58.999', '838:59:58.999999', 2155), (3, '-00:00:01', '-00:00:00.1', '-00:00:00.001', '-00:00:00.000001', 0),
  (4, '00:00:00', '24:00:00', '-24:00:00.5', '100:00:00.000010', NULL), (5, NULL, NULL, NULL, NULL, 2000);
UPDATE t SET a = SUBTIME(a, '01:00:00'), d = ADDTIME(d, '00:00:00.000001') WHERE id IN (2, 3);
