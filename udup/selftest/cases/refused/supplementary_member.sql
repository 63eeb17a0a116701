-- topic: a member of ENUM beyond the BMP, which the server prints as a question mark, so that a copy cannot know it
-- unfit: from mariadb: its dictionary tells such characters
-- phase: copy
-- expect: refused beyond U+FFFF
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('😀', 'a'));
INSERT INTO t VALUES (1, '😀');
