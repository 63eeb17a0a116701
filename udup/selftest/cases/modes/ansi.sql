-- topic: the combination ANSI
-- session: sql_mode = 'ANSI'
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE "t" ("id" INT PRIMARY KEY, "a b" REAL, g VARCHAR(20) AS ("id" || 'x') STORED);
INSERT INTO "t" (id, "a b") VALUES (1, 1/3);
-- then:
CREATE TABLE "u" LIKE "t";
INSERT INTO "u" (id) VALUES (2);
CREATE PROCEDURE "p q" () SELECT 'x' || 'y';
