-- topic: columns bound to a spatial reference system, with spatial indexes
-- unfit: from mariadb: it cannot read "4326, p POINT SRID 0, w POLYGON NOT"
-- unfit: from mysql-5.6: it cannot read "SRID 4326, p POINT SRID 0, w POLYGON"
CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY NOT NULL SRID 4326, p POINT SRID 0, w POLYGON NOT NULL SRID 3857, SPATIAL KEY g (g), SPATIAL KEY w (w));
INSERT INTO t VALUES (1, ST_GeomFromText('POINT(48 11)', 4326), POINT(1, 1), ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))', 3857));
-- then:
INSERT INTO t VALUES (2, ST_GeomFromText('LINESTRING(48 11, 49 12)', 4326), NULL, ST_GeomFromText('POLYGON((0 0, 9 0, 9 9, 0 0))', 3857));
ALTER TABLE t ADD COLUMN l LINESTRING SRID 4326;
UPDATE t SET l = g WHERE id = 2;
DROP INDEX w ON t;
DELETE FROM t WHERE id = 1;
