-- topic: members of ENUM and SET beyond the BMP, which the server cannot print, in a table made while the job runs
-- phase: incremental
-- unfit: from mariadb-10, mysql-5.6: error 1291: Column 'e' has duplicated value '?' in ENUM
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('😀', '😁', '?', 'a'), s SET('𝔘', 'b'));
INSERT INTO t VALUES (1, '😀', '𝔘'), (2, '😁', 'b'), (3, '?', NULL);
UPDATE t SET e = '😁' WHERE id = 1;
