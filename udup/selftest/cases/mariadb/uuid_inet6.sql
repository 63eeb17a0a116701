-- topic: UUID and INET6 columns: keys, NULL, defaults, changes
-- unfit: from mysql: it has no such types
-- unfit: from mariadb-10.5: it has no UUID
CREATE TABLE t (u UUID PRIMARY KEY, ip INET6, other UUID NULL, KEY (ip), KEY (other));
INSERT INTO t VALUES ('123e4567-e89b-12d3-a456-426614174000', '::1', NULL), ('00000000-0000-0000-0000-000000000001', '2001:db8::ff00:42:8329', '123e4567-e89b-12d3-a456-426655440000');
-- then:
INSERT INTO t VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', '::ffff:192.0.2.1', NULL), ('0190163d-8694-739b-aea5-966c26f8ad91', NULL, NULL);
UPDATE t SET ip = '::2', other = u WHERE ip = '::1';
UPDATE t SET u = '123e4567-e89b-12d3-a456-426614174001' WHERE u = '123e4567-e89b-12d3-a456-426614174000';
DELETE FROM t WHERE u = '00000000-0000-0000-0000-000000000001';
CREATE TABLE n (id INT PRIMARY KEY, u UUID NOT NULL);
INSERT INTO n VALUES (1, UUID()), (2, UUID());
ALTER TABLE n ADD COLUMN ip INET6 DEFAULT '::';
