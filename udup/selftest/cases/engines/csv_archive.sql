-- topic: CSV (no keys, no NULLs) and ARCHIVE (nothing is deleted or updated)
-- refused: to mariadb: engine
-- unfit: from mariadb: it has no engine ARCHIVE
CREATE TABLE c (id INT NOT NULL, a VARCHAR(50) NOT NULL, d DATETIME NOT NULL) ENGINE=CSV;
CREATE TABLE z (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a VARCHAR(50), b BLOB) ENGINE=ARCHIVE;
CREATE TABLE zk (id INT, a TEXT) ENGINE=ARCHIVE;
INSERT INTO c VALUES (1, 'with "quotes", and\ncommas', '2024-01-02 03:04:05'), (2, '', '1999-12-31 23:59:59');
INSERT INTO z (a, b) VALUES ('a', x'0001'), ('b', NULL), (NULL, REPEAT('q', 5000));
INSERT INTO zk VALUES (1, 'x'), (1, 'x');
-- then:
INSERT INTO c VALUES (3, 'three\\', '2000-01-01 00:00:00');
UPDATE c SET a = 'changed' WHERE id = 2;
DELETE FROM c WHERE id = 1;
INSERT INTO z (a, b) VALUES ('d', 'd'), ('e', 'e');
INSERT INTO zk VALUES (2, NULL);
