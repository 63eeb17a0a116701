"""What its user does to the job: tables come, go and are loaded again; it is paused, posted, compared, repaired.

One thread acts at random until it is told to stop. What the server rightly refuses (a change of tables at a time,
foreign keys that would be cut) is counted and passed over. A hand changes rows of `calm` on the target behind the
job's back; whatever else the job's comparison finds is a false alarm.
"""

from __future__ import annotations

import copy
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress

import httpx

from tests.soak.guests import CALM_FROM, CALM_TO, SCHEMAS
from tests.soak.tables import Model
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode

#: Tables that foreign keys tie together: all or none of them are loaded again.
_FAMILY = ("fk_parent", "fk_child", "fk_note", "fk_tree")

#: Seconds for all tables to be the job's own again, and for a comparison or a repair to end.
SETTLED_SECONDS = 150.0

#: Answers that a user must expect: refused, not now, a conflict.
_REFUSED = frozenset({400, 409, 500, 503})

_HINT = "load again what is as it was before it (udup job reload "


class Changes:
    """`document` is the job's, with the random schema alone; `said` counts what was done."""

    def __init__(
        self,
        node: UdupNode,
        target: Endpoint,
        document: Json,
        model: Model,
        say: Callable[[str], None],
        dice: random.Random,
    ) -> None:
        self._node, self._target, self._model, self._say = node, target, model, say
        self._document, self._dice = document, dice
        self.schemas: tuple[str, ...] = ()
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    @property
    def job(self) -> str:
        return str(self._document["ID"])

    # ---- The thread ----

    def begin(self, seconds: float) -> None:
        """Act every so many seconds on the average."""
        self._pause = seconds
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._stopped.set()
        if self._thread.ident is not None:  # it was begun
            self._thread.join(60)

    def _run(self) -> None:
        while not self._stopped.wait(self._dice.uniform(0.2, 1.8) * self._pause):
            act = self._dice.choice(
                [self._other_tables] * 3
                + [self._reload] * 3
                + [self._pause_it, self._post_again, self._compare, self._differ, self._differ]
            )
            try:
                act()
            except (UdupError, MySQLError, OSError) as error:
                self.done["not now"] += 1
                self._say(f"{act.__name__}: {str(error)[:300]}")

    # ---- Acts ----

    def _other_tables(self) -> None:
        """Post the job with some schemas more, or less."""
        wanted = tuple(each for each in SCHEMAS if self._dice.random() < 0.5)
        if wanted != self.schemas:
            self._post(wanted)

    def _post(self, schemas: tuple[str, ...], **of_dest: object) -> None:
        document = copy.deepcopy(self._document)
        document["Tasks"][0]["Config"]["ReplicateDoDb"] += [{"TableSchema": each} for each in schemas]
        document["Tasks"][1]["Config"] |= of_dest
        if self._ask("POST", "/v1/jobs", document):
            self.schemas = schemas
            self._say(f"posted with {', '.join(schemas) or 'no schema more'} {of_dest or ''}")
            self.done["posted"] += 1

    def _reload(self) -> None:
        chance = self._dice.random()
        if chance < 0.2:
            tables = [f"soak.{each}" for each in _FAMILY[: self._dice.choice([2, 4, 4])]]
        elif chance < 0.4:
            tables = [f"soak.{self._dice.choice(['calm', 'calm_bare'])}"]
        elif chance < 0.6 and self.schemas:
            tables = [f"{self._dice.choice(self.schemas)}.{each}" for each in self._dice.sample("abc", 2)]
        else:
            found = [self._model.pick(self._dice) for _ in range(self._dice.choice([1, 1, 3]))]
            tables = sorted({f"soak.{each.name}" for each in found if each is not None})
        self.reload(tables)

    def reload(self, tables: list[str]) -> bool:
        if self._ask("POST", f"/v1/job/{self.job}/reload?" + "&".join(f"table={each}" for each in tables)):
            self._say(f"reload of {', '.join(tables)}")
            self.done["reloads"] += 1
            return True
        return False

    def _pause_it(self) -> None:
        if self._ask("POST", f"/v1/job/{self.job}/pause"):
            self.done["pauses"] += 1
            self._stopped.wait(self._dice.random() * 2)
            self.resume()

    def resume(self) -> None:
        """Until it is heard: a server may be away."""
        end = time.monotonic() + 60
        while not self._ask("POST", f"/v1/job/{self.job}/resume") and time.monotonic() < end:
            time.sleep(0.5)

    def _post_again(self) -> None:
        self._post(self.schemas, ParallelWorkers=self._dice.randint(1, 6))

    def _compare(self) -> None:
        if self._ask("POST", f"/v1/job/{self.job}/compare", {"Continuous": True}):
            self.done["comparisons"] += 1

    def _differ(self) -> None:
        """Change rows on the target that nobody else writes, behind the job's back."""
        number = self._dice.randint(CALM_FROM + 1, CALM_TO)
        changed = self._dice.choice(
            [
                f"UPDATE soak.calm SET v = -1 WHERE id = {number}",
                f"UPDATE soak.calm SET text = CONCAT(text, ' ') WHERE id = {number}",
                f"UPDATE soak.calm SET text = UPPER(text) WHERE id = {number}",
                f"UPDATE soak.calm SET v = NULL WHERE id = {number}",
                f"DELETE FROM soak.calm WHERE id = {number}",
                f"INSERT INTO soak.calm VALUES ({number + 1000}, 0, '')",
                f"INSERT INTO soak.calm_bare VALUES ({number}, 'more')",
            ]
        )
        with closing(connect(self._target, autocommit=True)) as connection:
            query(connection, "SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
            query(connection, changed)
        self.done["changed by hand"] += 1

    # ---- Quiet ----

    def settle(self) -> None:
        """Wait until all tables are the job's own and it runs, doing what its messages ask for."""
        end, followed = time.monotonic() + SETTLED_SECONDS, 0.0
        job: Json = {}
        while time.monotonic() < end:
            with suppress(UdupError):
                job = self._node.job(self.job)
            growing = job.get("Growing")
            if job.get("Stage") == "running" and growing is None:
                return
            if time.monotonic() > followed + 5:
                followed = time.monotonic()
                self._follow(job)
            time.sleep(0.2)
        raise UdupError(
            f"the job's tables do not settle: {job.get('Stage')}: {job.get('StatusDescription')}: {growing}"
        )

    def _follow(self, job: Json) -> None:
        """Do as a message says."""
        text = str(job.get("StatusDescription"))
        if job.get("Stage") == "failed" and _HINT in text:
            self._say(f"following: {text[:400]}")
            tables = text.split(_HINT, 1)[1].split(")", 1)[0].split()[1:]
            self.done["followed"] += self.reload(tables)
            self.resume()
        elif job.get("Stage") == "paused":
            self.resume()
        elif (job.get("Growing") or {}).get("State") == "failed":
            self._say(f"growing failed: {job['Growing']['Problem'][:300]}")
            self.done["growing failed"] += 1
            self.resume()

    def false_alarms(self) -> list[str]:
        """Return what the job's comparisons have found beside what a hand has changed."""
        sql = (
            "SELECT CONCAT_WS(' ', table_schema, table_name, row_key, kind, gtids) FROM udup.difference WHERE job = %s"
        )
        with closing(connect(self._target)) as connection:
            if not query(connection, "SHOW TABLES FROM udup LIKE 'difference'"):
                return []
            hand = " AND CONCAT(table_schema, '.', table_name) NOT IN ('soak.calm', 'soak.calm_bare')"
            return [str(row[0]) for row in query(connection, sql + hand, self.job)]

    def compared(self) -> Json:
        """Compare all of a quiet job, once."""
        end = time.monotonic() + SETTLED_SECONDS
        self._ask("DELETE", f"/v1/job/{self.job}/compare")
        while not self._ask("POST", f"/v1/job/{self.job}/compare", {}) and time.monotonic() < end:
            time.sleep(0.5)
        return self._ended()

    def repaired(self) -> Json:
        end = time.monotonic() + SETTLED_SECONDS
        while not self._ask("POST", f"/v1/job/{self.job}/repair", {"All": True}) and time.monotonic() < end:
            time.sleep(0.5)
        return self._ended()

    def _ended(self) -> Json:
        end = time.monotonic() + SETTLED_SECONDS
        last: Json = {}
        while time.monotonic() < end:
            with suppress(httpx.HTTPError, ValueError):
                last = httpx.get(f"{self._node.url}/v1/job/{self.job}/compare?stale", timeout=10).json()
                if last.get("State") not in (None, "running"):
                    return last
            time.sleep(0.2)
        raise UdupError(f"the comparison does not end: {last}")

    def _ask(self, method: str, path: str, body: Json | None = None) -> bool:
        """Return whether it was taken."""
        try:
            answer = httpx.request(method, self._node.url + path, json=body, timeout=30, trust_env=False)
        except httpx.HTTPError as error:
            self._say(f"{method} {path[:60]}: {error!r}")
            return False
        if answer.status_code in _REFUSED:
            self.done[f"answered {answer.status_code}"] += 1
            self._say(f"{method} {path[:80]}: {answer.status_code} {answer.text[:250]}")
            return False
        if answer.status_code >= 400:
            self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.status_code < 400
