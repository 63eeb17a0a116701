-- topic: comments at their greatest lengths: table 2048, column 1024, index 1024 characters
SET @sql = CONCAT('CREATE TABLE t (id INT PRIMARY KEY COMMENT ''', REPEAT('c', 1023), 'ü'', KEY k (id) COMMENT ''', REPEAT('中', 1024), ''') COMMENT ''', REPEAT('x''''', 1024), '''');
PREPARE made FROM @sql;
EXECUTE made;
-- then:
INSERT INTO t VALUES (1);
SET @sql = CONCAT('ALTER TABLE t COMMENT ''', REPEAT('\\\\', 2048), '''');
PREPARE altered FROM @sql;
EXECUTE altered;
