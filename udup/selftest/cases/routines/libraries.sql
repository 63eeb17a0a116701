-- topic: JavaScript libraries, and routines that import them
-- refused: to mariadb: the target does not take
-- unfit: from mariadb, mysql-5.6: it cannot read "LIBRARY z_lib COMMENT 'é' LANGUAGE J"
CREATE LIBRARY z_lib COMMENT 'é' LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n + 1; } // it's "odd" ` $$;
CREATE LIBRARY b_lib LANGUAGE JAVASCRIPT AS 'export function g(n) { return n; }';
CREATE FUNCTION a_function(n INT) RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING (z_lib AS l, b_lib) AS $js$ return l.f(n) $js$;
-- then:
CREATE LIBRARY c_lib LANGUAGE JAVASCRIPT AS $$ export function h() { return "it's"; } $$;
CREATE PROCEDURE p() LANGUAGE JAVASCRIPT USING (c_lib AS c) AS $$ c.h() // don't $$;
ALTER LIBRARY b_lib COMMENT 'changed';
DROP LIBRARY IF EXISTS nothing;
DROP FUNCTION a_function;
DROP LIBRARY z_lib;
