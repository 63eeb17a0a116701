-- topic: a column of each type that both families have, as MariaDB writes it
-- unfit: from mysql: the same is in types/
CREATE TABLE t (
  id INT PRIMARY KEY, ti TINYINT UNSIGNED, sm SMALLINT, mi MEDIUMINT UNSIGNED ZEROFILL, bi BIGINT UNSIGNED, de DECIMAL(30,10), fl FLOAT, do DOUBLE,
  bt BIT(13), ye YEAR, da DATE, ti6 TIME(6), dt DATETIME(4), ts TIMESTAMP(2) NULL, ch CHAR(10) CHARACTER SET latin1, vc VARCHAR(300), bn BINARY(5),
  vb VARBINARY(300), tx LONGTEXT, bl MEDIUMBLOB, en ENUM('a','b','c'), se SET('x','y','z'), js JSON, ge GEOMETRY, po POINT
);
INSERT INTO t VALUES (1, 255, -32768, 7, 18446744073709551615, -12345678901234567890.0123456789, 1.5, 1e300, b'1010101010101', 2026, '2026-02-28', '-838:59:58.000001', '1000-01-01 00:00:00.1234', '2026-01-01 00:00:00.25', 'é', REPEAT('ü', 150), 'ab', x'00ff00', REPEAT('t', 70000), REPEAT(x'01', 70000), 'b', 'x,z', '{"k": [1, 2.5, null, "é"]}', ST_GeomFromText('LINESTRING(0 0,1 1,2 1)'), POINT(1, 2));
-- then:
INSERT INTO t (id) VALUES (2);
UPDATE t SET ti = 0, sm = 32767, de = 0, fl = -0.1, do = 1/3, bt = 0, ti6 = '00:00:00.5', dt = '9999-12-31 23:59:59.9999', ts = NULL, ch = '', vc = '😀', vb = '', en = 'c', se = '', js = '[]', po = POINT(-1.5, 1e10) WHERE id = 1;
INSERT INTO t SELECT id + 10, ti, sm, mi, bi, de, fl, do, bt, ye, da, ti6, dt, ts, ch, vc, bn, vb, tx, bl, en, se, js, ge, po FROM t;
DELETE FROM t WHERE id = 2;
