-- topic: INET4 columns
-- unfit: from mysql: it has no such type
-- unfit: from mariadb-10.5: it has no INET4
CREATE TABLE t (ip INET4 PRIMARY KEY, other INET4);
INSERT INTO t VALUES ('192.0.2.1', NULL), ('0.0.0.0', '255.255.255.255');
-- then:
INSERT INTO t VALUES ('10.0.0.1', '10.0.0.2');
UPDATE t SET ip = '10.0.0.3' WHERE ip = '0.0.0.0';
DELETE FROM t WHERE ip = '192.0.2.1';
