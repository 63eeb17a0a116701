-- topic: sequences: made, used by defaults and statements, set, altered, renamed, dropped
-- unfit: from mysql: it has no sequences
CREATE SEQUENCE s START WITH 10 INCREMENT BY 5;
CREATE TABLE t (id BIGINT PRIMARY KEY DEFAULT NEXTVAL(s), a INT);
INSERT INTO t (a) VALUES (1), (2);
-- then:
INSERT INTO t (a) VALUES (3);
SELECT SETVAL(s, 1000);
INSERT INTO t (a) VALUES (4);
CREATE SEQUENCE r MINVALUE 1 MAXVALUE 3 CYCLE NOCACHE;
SELECT NEXTVAL(r), NEXTVAL(r), NEXTVAL(r), NEXTVAL(r);
ALTER SEQUENCE r MAXVALUE 30;
RENAME TABLE r TO r2;
DROP SEQUENCE r2;
