-- topic: ANSI_QUOTES: double quotes around names, in every statement
-- session: sql_mode = 'ANSI_QUOTES'
CREATE TABLE "t x" ("a""b" INT PRIMARY KEY, "c" VARCHAR(10) DEFAULT 'd"e');
INSERT INTO "t x" VALUES (1, 'x');
-- then:
ALTER TABLE "t x" ADD COLUMN "f`g" INT;
CREATE INDEX "i ""j" ON "t x" ("c");
RENAME TABLE "t x" TO "t`y";
INSERT INTO "t`y" VALUES (2, '"', 2);
CREATE TABLE "like" LIKE "t`y";
DROP TABLE "like";
CREATE VIEW "v" AS SELECT "c" FROM "t`y";
