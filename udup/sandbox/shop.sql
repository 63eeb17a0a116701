-- A shop: many column types, keys of every sort, tables without a primary key.
-- Statements end with a semicolon and an empty line; the first section runs before the fill, the second after it.

CREATE TABLE categories (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  parent_id INT UNSIGNED NULL,
  name VARCHAR(60) NOT NULL,
  CONSTRAINT category_parent FOREIGN KEY (parent_id) REFERENCES categories (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE products (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  sku CHAR(12) CHARACTER SET ascii NOT NULL,
  category_id INT UNSIGNED NOT NULL,
  name VARCHAR(120) NOT NULL,
  price DECIMAL(12, 2) NOT NULL,
  tax DECIMAL(5, 4) NOT NULL,
  gross DECIMAL(14, 2) GENERATED ALWAYS AS (ROUND(price * (1 + tax), 2)) VIRTUAL,
  weight FLOAT NULL,
  attributes JSON NULL,
  UNIQUE KEY product_sku (sku),
  KEY product_gross (gross),
  FULLTEXT KEY product_words (name),
  CONSTRAINT product_category FOREIGN KEY (category_id) REFERENCES categories (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE customers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email VARCHAR(120) NOT NULL,
  name VARCHAR(80) NOT NULL,
  tier ENUM('basic', 'silver', 'gold', 'größe') NOT NULL DEFAULT 'basic',
  interests SET('garden', 'music', 'sport', 'books') NULL,
  flags BIT(10) NOT NULL DEFAULT b'0',
  score DOUBLE NULL,
  born DATE NULL,
  member_since YEAR NULL,
  created TIMESTAMP(3) NOT NULL,
  profile JSON NULL,
  domain VARCHAR(80) GENERATED ALWAYS AS (SUBSTRING_INDEX(email, '@', -1)) STORED,
  UNIQUE KEY customer_email (email),
  KEY customer_domain (domain, id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE addresses (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id BIGINT UNSIGNED NOT NULL,
  kind ENUM('home', 'work', 'invoice') NOT NULL,
  street VARCHAR(100) NOT NULL,
  postcode VARCHAR(12) CHARACTER SET latin1 NOT NULL,
  latitude DECIMAL(9, 6) NULL,
  opens TIME(2) NULL,
  CONSTRAINT address_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE orders (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  number VARCHAR(24) CHARACTER SET ascii NOT NULL,
  customer_id BIGINT UNSIGNED NOT NULL,
  placed DATETIME(6) NOT NULL,
  status ENUM('new', 'paid', 'sent', 'returned') NOT NULL DEFAULT 'new',
  total DECIMAL(14, 2) NOT NULL DEFAULT 0,
  note VARCHAR(200) NULL,
  UNIQUE KEY order_number (number),
  KEY order_placed (placed),
  CONSTRAINT order_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE order_lines (
  order_id BIGINT UNSIGNED NOT NULL,
  line SMALLINT UNSIGNED NOT NULL,
  product_id INT UNSIGNED NOT NULL,
  quantity MEDIUMINT NOT NULL,
  price DECIMAL(12, 2) NOT NULL,
  amount DECIMAL(14, 2) GENERATED ALWAYS AS (quantity * price) STORED,
  PRIMARY KEY (order_id, line),
  CONSTRAINT line_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  CONSTRAINT line_product FOREIGN KEY (product_id) REFERENCES products (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE payments (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id BIGINT UNSIGNED NOT NULL,
  reference VARCHAR(32) CHARACTER SET ascii NOT NULL,
  method ENUM('card', 'transfer', 'cash') NOT NULL,
  amount DECIMAL(14, 2) NOT NULL,
  paid TIMESTAMP(3) NOT NULL,
  UNIQUE KEY payment_reference (reference),
  CONSTRAINT payment_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE stock (
  product_id INT UNSIGNED NOT NULL,
  warehouse TINYINT UNSIGNED NOT NULL,
  quantity INT NOT NULL,
  counted DATETIME(6) NULL,
  PRIMARY KEY (product_id, warehouse),
  CONSTRAINT stock_product FOREIGN KEY (product_id) REFERENCES products (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE vouchers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(24) NULL,
  customer_id BIGINT UNSIGNED NOT NULL,
  UNIQUE KEY voucher_code (code)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE documents (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id BIGINT UNSIGNED NOT NULL,
  title VARCHAR(200) NOT NULL,
  body MEDIUMTEXT NULL,
  scan BLOB NULL,
  meta JSON NULL
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE sessions (
  id BINARY(16) NOT NULL PRIMARY KEY,
  token CHAR(36) CHARACTER SET ascii NOT NULL,
  customer_id BIGINT UNSIGNED NULL,
  state VARBINARY(200) NULL,
  seen TIMESTAMP(3) NOT NULL,
  UNIQUE KEY session_token (token)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE audit_log (
  at DATETIME(6) NOT NULL,
  actor VARCHAR(40) NOT NULL,
  action VARCHAR(40) NOT NULL,
  detail JSON NULL,
  KEY audit_at (at)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE ledger (
  writer INT NOT NULL,
  n BIGINT NOT NULL,
  at DATETIME(6) NOT NULL
) DEFAULT CHARSET = utf8mb4;

-- after the fill

CREATE VIEW order_totals AS
SELECT o.id, o.number, c.email, SUM(l.amount) AS lines_total
FROM orders o JOIN customers c ON c.id = o.customer_id JOIN order_lines l ON l.order_id = o.id
GROUP BY o.id, o.number, c.email;

CREATE TRIGGER payment_audit AFTER INSERT ON payments FOR EACH ROW
INSERT INTO audit_log (at, actor, action, detail)
VALUES (NEW.paid, 'trigger', 'payment', JSON_OBJECT('payment', NEW.id, 'amount', NEW.amount + 0e0));

CREATE PROCEDURE restock(IN which INT UNSIGNED, IN amount INT)
BEGIN
  UPDATE stock SET quantity = quantity + amount WHERE product_id = which;
  INSERT INTO audit_log VALUES (NOW(6), 'restock', 'stock', JSON_OBJECT('product', which, 'amount', amount));
END;

CREATE FUNCTION price_with_tax(net DECIMAL(12, 2), tax DECIMAL(5, 4)) RETURNS DECIMAL(14, 2) DETERMINISTIC
RETURN ROUND(net * (1 + tax), 2);

CREATE EVENT expire_sessions ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DO
DELETE FROM sessions WHERE seen < NOW() - INTERVAL 1 YEAR;
