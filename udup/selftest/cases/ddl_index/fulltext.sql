-- topic: FULLTEXT indexes with a document id column of one's own, with a parser, dropped and made again
-- unfit: to mariadb: a FULLTEXT index with a parser of its own is left out there, and told
-- unfit: from mariadb, mysql-5.6: error 1128: Function 'ngram' is not defined
CREATE TABLE t (FTS_DOC_ID BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, a TEXT, b TEXT, FULLTEXT KEY a (a), FULLTEXT KEY b (b) WITH PARSER ngram);
INSERT INTO t (a, b) VALUES ('the quick brown fox', '中文字符'), ('jumps', '日本語');
-- then:
DELETE FROM t WHERE a = 'jumps';
ALTER TABLE t DROP KEY a, ADD FULLTEXT KEY ab (a, b);
INSERT INTO t (a) VALUES ('later');
