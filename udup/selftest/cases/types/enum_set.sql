-- topic: ENUM and SET: empty member, error value, quotes and commas in members, 64 members, numbers as members
-- session: sql_mode = ''
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('', 'a', 'A b', 'it''s', 'c,d', '\\', '0', '1', 'ü'), s SET('', 'x', 'y''s', 'z z', '1'),
  n ENUM('only') NOT NULL, big SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
INSERT INTO t VALUES (1, '', '', 'only', '1,64'), (2, 'it''s', 'x,y''s', 'only', 18446744073709551615);
-- then:
INSERT INTO t VALUES (3, 'c,d', 'z z,1', '', 0), (4, '\\', 'x', 'nothing', '33'), (5, 'wrong', 'wrong', 'only', NULL), (6, 8, 16, 1, 1 << 63), (7, 'a', NULL, 'only', '64'), (8, NULL, '', 'only', '');
UPDATE t SET e = 'ü', s = 'x,y''s,z z' WHERE id = 5;
