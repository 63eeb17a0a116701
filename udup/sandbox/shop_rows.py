"""How each row of the shop is computed by the server from the seed and the row's number `n`."""

from __future__ import annotations

from dataclasses import dataclass

#: Warehouses, hence stock rows a product.
WAREHOUSES = 3

CATEGORIES = 40

#: One table's filling: how many rows, and `table (columns) SELECT values by n`.
Insert = tuple[int, str]

_START = "TIMESTAMP'2024-01-01 00:00:00.000001'"


@dataclass(frozen=True)
class Sizes:
    """How many rows each table gets."""

    customers: int
    products: int
    orders: int
    others: dict[str, int]

    @classmethod
    def of(cls, rows: int) -> Sizes:
        """Shares of about `rows` rows in all, no table empty."""

        def share(per_mille: int) -> int:
            return max(10, rows * per_mille // 1000)

        others = {
            "addresses": share(130),
            "payments": share(120),
            "vouchers": share(20),
            "documents": share(5),
            "sessions": share(40),
            "audit_log": share(40),
        }
        return cls(customers=share(130), products=share(10), orders=share(155), others=others)


@dataclass(frozen=True)
class Dice:
    """Numbers that look random and are the same on every server: CRC32 of seed, salt and row number."""

    seed: int

    def below(self, salt: int, limit: int) -> str:
        return f"(CRC32(CONCAT('{self.seed}.{salt}.', n)) % {limit})"

    def pick(self, salt: int, count: int) -> str:
        """A key of a table with `count` rows."""
        return f"1 + {self.below(salt, count)}"

    def digest(self, salt: str) -> str:
        """64 hexadecimal digits."""
        return f"SHA2(CONCAT('{self.seed}.{salt}.', n), 256)"

    def price(self) -> str:
        return f"ROUND({self.below(7, 100_000)} / 100 + 0.99, 2)"


def inserts(sizes: Sizes, seed: int) -> list[Insert]:
    """Every table's filling; parents need not come first."""
    dice = Dice(seed)
    return [*_goods(sizes, dice), *_people(sizes, dice), *_sales(sizes, dice), *_papers(sizes, dice)]


def _goods(sizes: Sizes, dice: Dice) -> list[Insert]:
    """What the shop sells."""
    h = dice.below
    categories = "categories SELECT n, IF(n <= 5, NULL, 1 + n % 5), CONCAT('category ', n, IF(n % 3, '', ' ☕'))"
    products = (
        f"products (id, sku, category_id, name, price, tax, weight, attributes)"
        f" SELECT n, CONCAT('SKU', LPAD(n, 8, '0')), {dice.pick(1, CATEGORIES)},"
        f" CONCAT(ELT({dice.pick(2, 4)}, 'Tea 🍵', 'Chair', 'Lamp', 'Müsli'), ' no. ', n),"
        f" ROUND({h(3, 1_000_000)} / 100, 2), ELT({dice.pick(4, 3)}, 0, 0.07, 0.19),"
        f" IF(n % 7, {h(5, 100_000)} / 777, NULL),"
        f" JSON_OBJECT('colour', ELT(1 + n % 3, 'red', 'grün', '蓝'),"
        f" 'sizes', JSON_ARRAY(n % 5, n % 9, NULL), 'ratio', n / 3e0)"
    )
    stock = (
        f"stock SELECT 1 + (n - 1) DIV {WAREHOUSES}, n % {WAREHOUSES},"
        f" CAST({h(51, 1000)} AS SIGNED) - 10, IF(n % 3, {_START} + INTERVAL n SECOND, NULL)"
    )
    return [(CATEGORIES, categories), (sizes.products, products), (sizes.products * WAREHOUSES, stock)]


def _people(sizes: Sizes, dice: Dice) -> list[Insert]:
    """Who buys, where they live, who is signed in."""
    h = dice.below
    customers = (
        f"customers (id, email, name, tier, interests, flags, score, born, member_since, created, profile)"
        f" SELECT n, CONCAT('c', n, '@', ELT({dice.pick(11, 3)}, 'example.org', 'example.net', 'mail.example')),"
        f" CONCAT(ELT({dice.pick(12, 5)}, 'Ada', 'Jürgen', '王', 'Zoë', 'Ole 🦉'), ' ', HEX({h(13, 1 << 30)})),"
        f" {dice.pick(14, 4)}, IF(n % 11, {h(15, 16)}, NULL), {h(16, 1024)},"
        f" IF(n % 13, {h(17, 1 << 30)} / 7e3, NULL),"
        f" IF(n % 17, DATE'1950-01-01' + INTERVAL {h(18, 20_000)} DAY, NULL), 1990 + n % 36,"
        f" {_START} + INTERVAL {h(19, 70_000_000)} SECOND,"
        f" IF(n % 5, JSON_OBJECT('visits', {h(20, 500)}, 'tags', JSON_ARRAY('a', n),"
        f" 'page', REPEAT('x', n % 40)), NULL)"
    )
    addresses = (
        f"addresses SELECT n, {dice.pick(21, sizes.customers)}, {dice.pick(22, 3)},"
        f" CONCAT(ELT(1 + n % 3, 'Hauptstraße ', 'rue de la Paix ', 'улица '), {h(23, 300)}),"
        f" CONCAT('ZÖ', {h(24, 100_000)}), IF(n % 9, {h(25, 180_000_000)} / 1000000 - 90, NULL),"
        f" IF(n % 4, SEC_TO_TIME({h(26, 86_400)} + 0.25), NULL)"
    )
    token = dice.digest("t")
    for position in (9, 14, 19, 24):
        token = f"INSERT({token}, {position}, 1, '-')"
    sessions = (
        f"sessions SELECT UNHEX(LEFT({dice.digest('s')}, 32)), LEFT({token}, 36),"
        f" IF(n % 4, {dice.pick(81, sizes.customers)}, NULL),"
        f" IF(n % 8, UNHEX({dice.digest('v')}), ''), {_START} + INTERVAL n SECOND"
    )
    vouchers = f"vouchers SELECT n, IF(n % 10, CONCAT('GIFT-', n), NULL), {dice.pick(61, sizes.customers)}"
    return [
        (sizes.customers, customers),
        (sizes.others["addresses"], addresses),
        (sizes.others["sessions"], sessions),
        (sizes.others["vouchers"], vouchers),
    ]


def _sales(sizes: Sizes, dice: Dice) -> list[Insert]:
    """What was ordered and paid."""
    h = dice.below
    orders = (
        f"orders SELECT n, CONCAT('ORDER-', n), {dice.pick(31, sizes.customers)},"
        f" {_START} + INTERVAL {h(32, 70_000_000)} SECOND + INTERVAL {h(33, 1_000_000)} MICROSECOND,"
        f" {dice.pick(34, 4)}, {h(35, 1_000_000)} / 100,"
        f" IF(n % 6, NULL, CONCAT('please ring twice 🔔 ', n))"
    )
    lines = (
        f"order_lines (order_id, line, product_id, quantity, price) SELECT (n + 1) DIV 2, 1 + n % 2,"
        f" {dice.pick(6, sizes.products)}, 1 + n % 9, {dice.price()}"
    )
    payments = (
        f"payments SELECT n, {dice.pick(41, sizes.orders)}, CONCAT('PAY-', n), {dice.pick(42, 3)},"
        f" {dice.price()}, {_START} + INTERVAL {h(43, 70_000_000)} SECOND"
    )
    return [(sizes.orders, orders), (sizes.orders * 2, lines), (sizes.others["payments"], payments)]


def _papers(sizes: Sizes, dice: Dice) -> list[Insert]:
    """Long texts and bytes, and the log without a primary key."""
    h = dice.below
    documents = (
        f"documents SELECT n, {dice.pick(71, sizes.customers)}, CONCAT('Invoice ', n, ' – Ärger 😀'),"
        f" REPEAT(CONCAT('line ', n, ' €uro 𝄞\\n'), 20 + {h(72, 300)}),"
        f" IF(n % 5, REPEAT(UNHEX({dice.digest('d')}), 1 + {h(73, 400)}), NULL),"
        f" JSON_OBJECT('pages', n % 30, 'title', CONCAT('t', n), 'words', JSON_ARRAY(n, n + 1, 'é'), 'seen', 0)"
    )
    audit_log = (
        f"audit_log SELECT {_START} + INTERVAL n DIV 3 SECOND, CONCAT('user ', {h(91, 50)}), 'login',"
        f" IF(n % 10, JSON_OBJECT('ip', CONCAT('10.0.', n % 256, '.1')), NULL)"
    )
    return [(sizes.others["documents"], documents), (sizes.others["audit_log"], audit_log)]
