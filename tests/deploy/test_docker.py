"""The image and the compose file, as far as that goes without Docker: linters, and that what they name is there.

No image is built here. Scripts and options of the two MySQL servers, and the job document, are tried on real servers.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.conftest import run, value, wait_for
from tests.other_servers import MakeServer
from tests.promtool import MISSING, promtool
from tests.quick_servers import QUICK
from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings, paths, variable_of
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.web.app import create_app
from udup.web.serve import WebServer

DEPLOY = Path(__file__).parents[2] / "deploy"
REPOSITORY = DEPLOY.parent
DOCKERFILE, COMPOSE = DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"

#: A version, not a name that moves: `8.4.5`, `v3.4.1`, `3.13.5-slim-bookworm`.
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.-]+)?(@sha256:[0-9a-f]{64})?")


def _tool(name: str) -> str:
    """Return a linter of the environment that runs the tests."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here (it is among the development dependencies on x86_64)")
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def _steps() -> Iterator[tuple[str, str]]:
    """Yield each instruction of the Dockerfile with its arguments, in one line."""
    text = "".join(line for line in DOCKERFILE.read_text().splitlines(keepends=True) if not line.startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, " ".join(rest.split())


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    command = [_tool("hadolint"), "--config", str(DEPLOY / ".hadolint.yaml"), str(DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_pinned_runs_as_nobody_in_particular_and_copies_what_is_there() -> None:
    steps = list(_steps())
    bases = [rest.split()[0] for word, rest in steps if word == "FROM"]
    assert len(bases) == 2 and all(PINNED.fullmatch(base) for base in bases), bases
    last = steps[max(number for number, (word, _) in enumerate(steps) if word == "FROM") :]
    [user] = [rest for word, rest in last if word == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a number, which Kubernetes can see not to be root"
    assert any(f"--uid {user.split(':')[0]} " in rest for word, rest in last if word == "RUN")
    assert {"HEALTHCHECK", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"} <= {word for word, _ in last}
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (REPOSITORY / source).exists() and f"!{source}" in ignored, source


def test_what_the_sources_link_to_is_copied_with_them() -> None:
    copied = {rest.split()[0] for word, rest in _steps() if word == "COPY"}
    links = [path for folder in ("udup", "docs") for path in (REPOSITORY / folder).rglob("*") if path.is_symlink()]
    assert links, "the template of the settings is one"
    for link in links:
        assert link.resolve().relative_to(REPOSITORY).parts[0] in copied, link


def test_the_settings_of_the_image_are_settings() -> None:
    [environment] = [rest for word, rest in _steps() if word == "ENV"]
    given = dict(each.split("=", 1) for each in shlex.split(environment) if each.startswith("UDUP_"))
    settings = load_settings(environment={**given, "UDUP_API_TOKEN": "a-token-of-the-tests"})
    assert str(settings.data_path) == "/var/lib/udup" and settings.bind_addr == "0.0.0.0"
    assert set(given) <= {variable_of(path) for path in paths()}


def test_the_image_installs_the_dependencies_of_the_project() -> None:
    """The steps that list them are run here; all of them were run by hand in a bare Debian."""
    [step] = [rest for word, rest in _steps() if word == "RUN" and "tomllib" in rest]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    found = []
    for listing in re.findall(r'python -c ("[^"]*")', step):
        command = [sys.executable, "-c", shlex.split(listing)[0]]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
        found.append(done.stdout.splitlines())
    assert found == [project["dependencies"], project["optional-dependencies"]["docs"]]


def test_the_health_check_passes_for_a_node_that_answers_and_for_no_other() -> None:
    [check] = [rest for word, rest in _steps() if word == "HEALTHCHECK"]
    program = json.loads(check.partition("CMD ")[2])
    memory = MemoryJobs()
    settings = load_settings(flags={"ports.http": 0, "api.token": "a-token-of-the-tests"})
    web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    web.start()
    try:
        asked = program[2].replace("http://127.0.0.1:8190", web.url)
        assert asked != program[2]
        assert subprocess.run([sys.executable, "-c", asked], timeout=60).returncode == 0, "without the token"
    finally:
        web.stop()
    done = subprocess.run([sys.executable, "-c", asked], timeout=60, stderr=subprocess.DEVNULL)
    assert done.returncode == 1


def test_docker_compose_takes_the_file(tmp_path: Path) -> None:
    """Its own reader checks every key and value against the specification, and needs no engine for that."""
    command = [_tool("docker-compose"), "-f", str(COMPOSE), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path)})
    assert done.returncode == 0 and "warn" not in done.stderr.lower(), done.stderr
    services = json.loads(done.stdout)["services"]
    assert set(services) == {"source", "target", "udup", "prometheus", "grafana"}
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


def test_images_are_pinned_and_every_path_and_secret_is_there(compose: dict[str, Any]) -> None:
    mounted = 0
    for name, service in compose["services"].items():
        assert "build" in service or PINNED.fullmatch(service["image"]), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_file() and volume.endswith(":ro"), volume
                mounted += 1
            else:
                assert source in compose["volumes"], volume
        text = json.dumps(service)
        used = set(re.findall(r"/run/secrets/(\w+)", text))
        assert used <= set(service.get("secrets", [])) <= set(compose["secrets"]), name
    assert mounted > 6
    build = compose["services"]["udup"]["build"]
    assert (DEPLOY / build["context"]).resolve() == REPOSITORY
    assert (REPOSITORY / build["dockerfile"]) == DOCKERFILE


def test_the_settings_of_the_node_are_settings(compose: dict[str, Any], tmp_path: Path) -> None:
    given: dict[str, str] = compose["services"]["udup"]["environment"]
    assert set(given) <= {variable_of(path) for path in paths()}
    (tmp_path / "api_token").write_text("a-token-of-the-tests\n")
    (tmp_path / "read_token").write_text("another-of-the-tests\n")
    environment = {name: text.replace("/run/secrets", str(tmp_path)) for name, text in given.items()}
    settings = load_settings(environment={**environment, "UDUP_BIND_ADDR": "0.0.0.0"})
    tokens = settings.api.token.get_secret_value(), settings.api.read_token.get_secret_value()
    assert tokens == ("a-token-of-the-tests", "another-of-the-tests") and settings.log.format == "json"
    scraped = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    assert "/run/secrets/read_token" in scraped, "who scrapes changes nothing"


def test_prometheus_scrapes_what_the_alerts_know(compose: dict[str, Any], tmp_path: Path) -> None:
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    [scrape] = yaml.safe_load(text)["scrape_configs"]
    alerts = (REPOSITORY / "docs" / "alerts.yml").read_text()
    assert f'up{{job="{scrape["job_name"]}"}}' in alerts
    assert scrape["static_configs"] == [{"targets": ["udup:8190"]}]
    tool = promtool()
    if tool is None:
        pytest.skip(MISSING)
    (tmp_path / "alerts.yml").write_text(alerts)
    (tmp_path / "token").write_text("x")
    (tmp_path / "prometheus.yml").write_text(text.replace("/run/secrets/read_token", str(tmp_path / "token")))
    command = [tool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_has_its_source_and_the_dashboard(compose: dict[str, Any]) -> None:
    [source] = yaml.safe_load((DEPLOY / "grafana" / "datasources.yml").read_text())["datasources"]
    assert source["type"] == "prometheus" and source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yml").read_text())["providers"]
    grafana = compose["services"]["grafana"]
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in grafana["volumes"]}
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted[home] == "../docs/grafana-dashboard.json" and Path(home).parent == Path(provider["options"]["path"])


def test_secrets_are_made_once_and_others_of_the_machine_cannot_read_them(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    for _ in range(2):
        subprocess.run([tmp_path / "secrets.sh"], check=True, capture_output=True, timeout=60)
        made = {each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()}
        assert set(made) == set(compose["secrets"])
        assert all(re.fullmatch("[0-9a-f]{48}", text) for text in made.values()) and len(set(made.values())) == 5
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    again = {each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()}
    assert again == made


def _server(make: MakeServer, compose: dict[str, Any], name: str, secret: Path) -> MysqlServer:
    """A server with the options of the compose file, on which its script has been read."""
    words = [word.removeprefix("--").partition("=") for word in compose["services"][name]["command"]]
    server = make(**QUICK, **{option.replace("-", "_"): text for option, _, text in words})
    script = DEPLOY / "mysql" / f"{name}.sh"
    assert not script.stat().st_mode & 0o111, (
        "one that is executable is run on its own, without the entrypoint's function"
    )
    text = script.read_text().replace("/run/secrets/mysql_udup", str(secret))
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"docker_process_sql() {{ cat; }}\n{text}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    run(server.endpoint, *(each.strip() for each in told.stdout.split(";\n") if each.strip()))
    return server


def test_the_job_of_the_compose_file_runs_by_its_accounts(
    mysql_server: MakeServer, compose: dict[str, Any], tmp_path: Path
) -> None:
    secret = tmp_path / "secrets" / "mysql_udup"
    secret.parent.mkdir()
    secret.write_text("a1b2c3d4")
    servers = {name: _server(mysql_server, compose, name, secret) for name in ("source", "target")}
    document = json.loads((DEPLOY / "job.json").read_text())
    for task in document["Tasks"]:
        login = task["Config"]["ConnectionConfig"]
        assert login["Port"] == 3306
        login["Host"], login["Port"] = "127.0.0.1", servers[login["Host"]].endpoint.port
    with UdupNode(tmp_path / "node", settings=f'[secrets]\nfiles_dir = "{secret.parent}"\n') as node:
        node.post_job(document)
        node.wait_stage("shop")
        target = servers["target"].endpoint
        count = "SELECT COUNT(*) FROM shop.orders"
        assert value(target, count) == 3
        run(
            servers["source"].endpoint,
            "INSERT INTO shop.orders (item, pieces) VALUES ('milk', 1)",
            "CREATE VIEW shop.many AS SELECT * FROM shop.orders WHERE pieces > 2",
        )
        wait_for(lambda: value(target, count) == 4, lambda: node.job("shop"))
        there = "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop'"
        wait_for(lambda: value(target, there) == 1, lambda: node.job("shop"))
