-- topic: every spatial type and value, SRID 0 and 4326, empty collections, NULL
-- unfit: from mariadb, mysql-5.6: error 1582: Incorrect parameter count in the call to native function 'ST_SRID'
CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY, p POINT, l LINESTRING, y POLYGON, mp MULTIPOINT, ml MULTILINESTRING, my MULTIPOLYGON, gc GEOMETRYCOLLECTION);
INSERT INTO t VALUES (1, POINT(0, 0), POINT(1.5, -2.25), ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0)'), ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))'), ST_GeomFromText('MULTIPOINT(0 0, 1 1)'), ST_GeomFromText('MULTILINESTRING((0 0, 1 1), (2 2, 3 3))'), ST_GeomFromText('MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))'));
-- then:
INSERT INTO t (id, g) VALUES (2, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')), (3, ST_SRID(POINT(12, 48), 4326)), (4, ST_GeomFromText('POINT(48.1 11.5)', 4326)), (5, NULL);
UPDATE t SET p = POINT(1e308, -1e-308), gc = ST_GeomFromText('GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(0 0)))') WHERE id = 1;
