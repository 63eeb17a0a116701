-- topic: a function that does not say what it does, where the target does not trust those who make functions
-- expect: refused SET PERSIST log_bin_trust_function_creators = ON
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE FUNCTION f() RETURNS INT RETURN 1;
