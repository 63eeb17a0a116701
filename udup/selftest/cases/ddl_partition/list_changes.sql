-- topic: LIST partitions changed, a primary key added to a partitioned table, partition names quoted
CREATE TABLE l (id INT, s VARCHAR(10)) PARTITION BY LIST COLUMNS (s) (PARTITION `odd name` VALUES IN ('a', 'b'), PARTITION `x``y` VALUES IN ('c', NULL));
INSERT INTO l VALUES (1, 'a'), (2, 'c'), (3, NULL);
-- then:
ALTER TABLE l ADD PARTITION (PARTITION `PARTITION` VALUES IN ('d,)('));
INSERT INTO l VALUES (4, 'd,)(');
ALTER TABLE l REORGANIZE PARTITION `odd name` INTO (PARTITION p1 VALUES IN ('a'), PARTITION p2 VALUES IN ('b', 'z'));
ALTER TABLE l DROP PARTITION `x``y`;
INSERT INTO l VALUES (5, 'z');
