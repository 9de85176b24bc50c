"""The container files, as far as they can be checked where no container engine is at hand."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.airflow_settings import settings
from launcher.state import PROJECT

DOCKER = PROJECT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICE_KEYS = {
    "image", "build", "command", "environment", "env_file", "volumes", "depends_on", "healthcheck", "restart", "ports",
    "init", "read_only", "tmpfs", "cap_drop", "security_opt", "shm_size",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
SETTING = re.compile(r"^AIRFLOW__([A-Z_]+?)__([A-Z_]+)$")


def dockerfile() -> list[list[str]]:
    """The instructions, continued lines joined, as words."""
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def documented() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def referenced() -> set[tuple[str, str]]:
    """Each ${NAME} with what follows the name."""
    return set(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", (DOCKER / "compose.yaml").read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_compose_s_structure(name: str) -> None:
    """Known keys only (a misspelt one is refused or ignored by compose), and something to run."""
    service = SERVICES[name]
    assert set(service) <= SERVICE_KEYS
    assert "image" in service or "build" in service
    assert isinstance(service.get("environment", {}), dict)
    assert all(isinstance(value, str) for value in service.get("environment", {}).values())
    assert all(isinstance(word, str) for word in service.get("command", []))
    if "healthcheck" in service:
        assert set(service["healthcheck"]) <= HEALTH_KEYS
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    else:
        assert service["restart"] == "no", "only what ends by itself needs no health check"


def test_top_level_keys_are_compose_s() -> None:
    """Anything else must be an extension, x-…"""
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"name", "services", "volumes"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_dependency_exists_and_can_come_true(name: str) -> None:
    """service_healthy needs a health check, service_completed_successfully a service that ends."""
    for target, wanted in SERVICES[name].get("depends_on", {}).items():
        assert target in SERVICES
        assert wanted["condition"] in CONDITIONS
        if wanted["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[target]
        if wanted["condition"] == "service_completed_successfully":
            assert SERVICES[target]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_every_path_and_volume_named_exists(name: str) -> None:
    """Relative to the folder of compose.yaml, as compose reads them."""
    service = SERVICES[name]
    if build := service.get("build"):
        context = (DOCKER / build["context"]).resolve()
        assert context == PROJECT
        assert (context / build["dockerfile"]).is_file()
    assert service.get("env_file", [".env"]) == [".env"]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (DOCKER / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


def test_every_variable_is_documented_and_every_documented_one_used() -> None:
    """A person fills in .env.example and needs nothing else."""
    assert {name for name, _ in referenced()} == set(documented())


def test_secrets_are_asked_for_and_never_written_down() -> None:
    """A missing secret stops compose with a message; none has a default."""
    secrets = {name for name in documented() if re.search("PASSWORD|SECRET|KEY", name)}
    assert secrets == {"POSTGRES_PASSWORD", "FERNET_KEY", "API_SECRET_KEY", "JWT_SECRET"}
    assert {documented()[name] for name in secrets} == {""}
    for name, rest in referenced():
        assert name not in secrets or rest.startswith(":?")
    assert ".env" in (DOCKER / ".gitignore").read_text().split()


def test_no_image_is_the_latest_one() -> None:
    """What was tested is what runs."""
    images = [service["image"] for service in SERVICES.values()]
    images += [words[1] for words in dockerfile() if words[0] == "FROM"]
    assert all(":" in image and ":latest" not in image for image in images)


def test_everything_the_dockerfile_copies_exists() -> None:
    """Sources are relative to the project's root, the build context."""
    copies = [words[1:-1] for words in dockerfile() if words[0] == "COPY" and not words[1].startswith("--from")]
    missing = [source for sources in copies for source in sources if not (PROJECT / source).exists()]
    assert copies
    assert missing == []
    sent = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert sent == {source for sources in copies for source in sources}, "the builder is sent what is copied, no more"


def test_the_image_neither_runs_as_root_nor_trusts_unhashed_packages() -> None:
    """The last USER counts."""
    user = [words[1] for words in dockerfile() if words[0] == "USER"][-1]
    assert user.split(":")[0] not in {"root", "0"}
    installs = [words for words in dockerfile() if words[0] == "RUN" and "requirements.lock" in words]
    assert installs
    assert all("--require-hashes" in words for words in installs)


def test_every_airflow_setting_exists_in_the_installed_airflow(tmp_path: Path) -> None:
    """Airflow ignores a misspelt or retired setting without a word."""
    (tmp_path / "state").mkdir()
    ours = {**settings(tmp_path / "state", tmp_path, "postgresql://host/airflow", 8080)}
    for service in SERVICES.values():
        ours |= service.get("environment", {})
    ours |= {word.split("=")[0]: "" for words in dockerfile() if words[0] == "ENV" for word in words}
    known = _known_settings()
    unknown = [name for name in ours if (found := SETTING.match(name)) and found.groups() not in known]
    assert unknown == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "postgres"])
def test_every_airflow_command_line_is_understood(name: str) -> None:
    """Older tutorials name components and options that this version does not have."""
    from airflow.cli.cli_parser import get_parser

    service = SERVICES[name]
    lines = [" ".join(service["command"]), str(service.get("healthcheck", {}).get("test", ["", ""])[1])]
    commands = [words for line in lines for words in re.findall(r"airflow ([^&]+)", line)]
    assert commands
    for words in commands:
        get_parser().parse_args(words.split())


def test_users_are_told_apart_and_their_roles_come_from_the_table() -> None:
    """No manager with plain passwords, no role that FAB fills in by itself, and the roles are made before anybody signs in."""
    for name in ("init", "api-server", "scheduler", "dag-processor", "triggerer"):
        environment = SERVICES[name]["environment"]
        assert environment["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")
        assert environment["AIRFLOW__FAB__UPDATE_FAB_PERMS"] == "False"
        assert not [setting for setting in environment if "SIMPLE_AUTH" in setting]
    assert SERVICES["init"]["command"][-1].endswith("hub migrate && hub roles --airflow")


def _known_settings() -> set[tuple[str, str]]:
    import importlib.util

    from airflow.providers.fab.get_provider_info import get_provider_info

    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(next(iter(spec.submodule_search_locations))) / "config_templates" / "config.yml"
    sections = yaml.load(path.read_text(), Loader=yaml.CSafeLoader) | get_provider_info()["config"]
    return {
        (section.upper().replace(".", "_"), option.upper())
        for section, found in sections.items()
        for option in found["options"]
    }
