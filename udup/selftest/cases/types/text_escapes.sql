-- topic: every control character, quote, backslash and the marks that dumps use, in texts and blobs
-- counters: free
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a TEXT, b BLOB);
INSERT INTO t (a, b) VALUES ('a''b"c`d\\e\0f\Zg\nh\ri\tj,k;l', x'0001020304050607080910111213141516171819202122'), ('\\''', '\\\\'), ('''''', '\''), (',', '\n'), ('NULL,''x''\n', ';');
-- then:
INSERT INTO t (a, b) SELECT CONCAT('x', CHAR(n USING utf8mb4), 'y'), CHAR(n) FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 127) SELECT n FROM c) AS numbers;
UPDATE t SET a = CONCAT(a, '\\'), b = CONCAT(b, '\\') WHERE id % 7 = 0;
