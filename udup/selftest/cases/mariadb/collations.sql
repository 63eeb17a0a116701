-- topic: MariaDB's own collations: uca1400, nopad, croatian, and the general ones that both families have
-- unfit: from mysql: it has no such collations
-- unfit: from mariadb-10.5: it has no uca1400
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(50) COLLATE utf8mb4_uca1400_ai_ci, b VARCHAR(50) COLLATE utf8mb4_general_ci, c VARCHAR(50) COLLATE utf8mb4_bin, UNIQUE KEY (a), KEY (b)) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_uca1400_as_cs;
INSERT INTO t VALUES (1, 'straße', 'é', 'x'), (2, 'ñandú', 'E', 'X'), (3, '中文', '', NULL);
-- then:
INSERT INTO t VALUES (4, 'Ångström', 'å', 'y');
UPDATE t SET a = CONCAT(a, '2') WHERE id = 1;
CREATE TABLE n (a VARCHAR(20) PRIMARY KEY) COLLATE utf8mb4_uca1400_nopad_ai_ci;
INSERT INTO n VALUES ('a'), ('a ');
DELETE FROM n WHERE a = 'a';
