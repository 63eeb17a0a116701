-- topic: comments of tables, columns, indexes, partitions, routines in many scripts, at their greatest lengths
CREATE TABLE t (id INT PRIMARY KEY COMMENT 'Ключ 键 मुख्य', a INT COMMENT 'àéîõü', KEY k (a) COMMENT '索引') COMMENT 'таблица 表 جدول';
-- then:
ALTER TABLE t MODIFY a INT COMMENT 'שלום 中文', COMMENT 'новый';
CREATE PROCEDURE p() COMMENT 'процедура 过程' SELECT 'строка 字符串';
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' COMMENT 'событие' DO SELECT 'текст';
INSERT INTO t VALUES (1, 1);
