-- topic: JSON of every shape: scalars, nesting, empty, unicode, numbers at their ends, odd keys
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, j JSON);
INSERT INTO t (j) VALUES ('null'), (NULL), ('true'), ('false'), ('0'), ('-1'), ('9223372036854775807'), ('18446744073709551615'), ('-9223372036854775808'), ('1.5'), ('1e300'), ('-0.0'), ('""'), ('"x"'), ('[]'), ('{}'), ('[[[[[[]]]]]]'), ('{"a": {"b": {"c": [1, {"d": null}]}}}');
-- then:
INSERT INTO t (j) VALUES ('{"": 1, " ": 2, "a.b": 3, "$": 4, "\\"": 5, "\\\\": 6, "ü": "😀", "\\u0000": "\\u0000"}'), ('["\\u0001\\n\\t\\"\\\\/", "</script>"]'), ('[1, 1.0, 10000000000000000000000, 0.1, 1e-7]'), (JSON_ARRAY(REPEAT('x', 70000), REPEAT('ü', 33000)));
UPDATE t SET j = JSON_SET(j, '$.a.b.c[5]', 'x', '$.new', JSON_OBJECT('k', j)) WHERE id = 18;
UPDATE t SET j = JSON_ARRAY(j, j) WHERE id < 5;
