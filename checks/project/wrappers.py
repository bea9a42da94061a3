"""Which program a command comes down to: ``uv run python -m pytest -q`` is ``pytest -q``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

type Words = tuple[str, ...]

_STEPS = 12
_PYTHON = re.compile(r"(?:python|pypy|python-?w?|py)(?:\d+(?:\.\d+)*)?(?:\.exe)?$")
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh"})
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\}|\(\w+\))$|\{\w+\}$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SUFFIX = re.compile(r"(?:@|==|>=|~=)[\w.*]+$|\[[\w,-]+\]$")
_REDIRECTION = re.compile(r"\d?(?:>>?|<)(?:&\d|.*)$")
# Options that take the next word as their value; all others are taken for switches.
_VALUES: dict[str, frozenset[str]] = {
    "uv": frozenset(
        """--with --with-requirements --with-editable --group --only-group --no-group --extra
        --no-extra --python -p --project --directory --env-file --package --index --index-url
        --extra-index-url --from --config-file --refresh-package --cache-dir -i -f --find-links
        --color --upgrade-package -P -w --link-mode --resolution""".split()
    ),
    "docker": frozenset(
        """-e --env --env-file -v --volume -w --workdir --name --network --net -u --user -p
        --publish --entrypoint --mount --platform --add-host --label -l --cpus -m --memory --gpus
        -h --hostname --ulimit --shm-size --link --cap-add --device --restart --log-driver --index
        -f --file --project-name --profile --project-directory --ansi --progress --pull --context
        -c""".split()
    ),
    "python": frozenset({"-W", "-X", "--check-hash-based-pycs"}),
    "coverage": frozenset(
        """--rcfile --source --source-pkgs --omit --include --context --concurrency --data-file
        --timid --debug""".split()
    ),
    "timeout": frozenset({"-s", "--signal", "-k", "--kill-after"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "conda": frozenset({"-n", "--name", "-p", "--prefix", "--cwd"}),
    "sudo": frozenset({"-u", "--user", "-g", "--group"}),
    "xargs": frozenset({"-n", "-P", "-I", "-L", "-d", "-a", "-s"}),
    "shell": frozenset({"-o", "+o", "-O", "--rcfile", "--init-file"}),
    "poetry": frozenset({"-C", "--directory", "-P", "--project"}),
    "pixi": frozenset({"-e", "--environment", "--manifest-path"}),
    "nice": frozenset({"-n"}),
}


def programs(words: Sequence[str]) -> list[Words]:
    """The programs that a command runs, wrappers taken off, each as name and arguments.

    The name is that of the program alone, without folder and version; a script keeps its path
    behind the name of its interpreter (``bash scripts/test.sh``, ``python tools/check.py``).
    """
    found: list[Words] = []
    rest = tuple(word for word in words if not _REDIRECTION.match(word))
    for _ in range(_STEPS):
        rest = _named(rest)
        if not rest:
            break
        if rest[0] == "coverage":
            found.append(rest)
        unwrap = _WRAPPERS.get(rest[0])
        inner = unwrap(rest) if unwrap else None
        if inner is None:
            if rest not in found:
                found.append(rest)
            break
        rest = inner
    return found


def _named(words: Words) -> Words:
    """The words with the program's plain name in front; a script with its interpreter."""
    while words and (_ASSIGNMENT.match(words[0]) or words[0] == "--"):
        words = words[1:]
    if len(words) > 1 and _VARIABLE.match(words[0]):
        # What a variable stands for is not known: with -m an interpreter, else a prefix.
        words = ("python", *words[1:]) if words[1] == "-m" else words[1:]
    if not words:
        return ()
    first = words[0].lstrip("@-")
    folder, _, name = first.rpartition("/")
    if _PYTHON.match(name):
        return ("python", *words[1:])
    if name in _SHELLS:
        return ("bash", *words[1:])
    if name in _WRAPPERS:
        # a script that finds or installs the tool and hands on (``.ci/uv run ...``)
        return (name, *words[1:])
    if folder and not folder.endswith("bin") and not _VARIABLE.match(folder):
        interpreter = "python" if name.endswith(".py") else "bash"
        return (interpreter, first, *words[1:])
    if name.endswith((".sh", ".bash")):
        return ("bash", first, *words[1:])
    return (_SUFFIX.sub("", name), *words[1:])


def _after(words: Words, start: int, options: str, *, skip: int = 0) -> Words:
    """Words from the first that is no option, ``skip`` such words passed over."""
    values = _VALUES[options]
    index = start
    while index < len(words):
        word = words[index]
        if word == "--":
            return words[index + 1 :] if not skip else words[index + 1 + skip :]
        if not word.startswith(("-", "+")):
            if not skip:
                return words[index:]
            skip -= 1
        elif word in values:
            index += 1
        index += 1
    return ()


def _uv(words: Words) -> Words | None:
    rest = _after(words, 1, "uv")
    if rest[:2] == ("tool", "run"):
        return _after(rest, 2, "uv")
    if rest[:1] != ("run",):
        return None
    inner = _after(rest, 1, "uv")
    options = rest[1 : len(rest) - len(inner)]
    for flag in ("-m", "--module"):
        if flag in options:
            return rest[options.index(flag) + 2 :]
    return inner


def _uvx(words: Words) -> Words:
    return _after(words, 1, "uv")


def _run(options: str) -> Callable[[Words], Words | None]:
    """``poetry run X``: what stands behind ``run``."""

    def unwrap(words: Words) -> Words | None:
        inner = _after(words, 1, options)
        return _after(inner, 1, options) if inner[:1] == ("run",) else None

    return unwrap


def _prefix(options: str, *, skip: int = 0) -> Callable[[Words], Words | None]:
    """``sudo X``, ``timeout 60 X``: options and ``skip`` words stand in front of the program."""
    return lambda words: _after(words, 1, options, skip=skip)


def _python(words: Words) -> Words | None:
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        if rest[0] == "-m":
            return rest[1:]
        if rest[0] in {"-c", "-"}:
            return None
        rest = rest[2:] if rest[0] in _VALUES["python"] else rest[1:]
    return None


def _coverage(words: Words) -> Words | None:
    if words[1:2] != ("run",):
        return None
    index = next((i for i, word in enumerate(words) if word in {"-m", "--module"}), -1)
    if index >= 0:
        return words[index + 1 :]
    script = _after(words, 2, "coverage")
    return ("python", *script) if script else None


def _docker(words: Words) -> Words | None:
    """What a container runs: behind the image, the container or the service."""
    if words[0] in {"docker-compose", "podman-compose"}:
        return _compose(words)
    rest = _after(words, 1, "docker")
    if rest[:1] == ("compose",):
        return _compose(rest)
    if rest[:1] == ("container",):
        rest = rest[1:]
    if rest[:1] == ("run",) or rest[:1] == ("exec",):
        return _after(rest, 1, "docker", skip=1) or None
    return None


def _compose(words: Words) -> Words | None:
    rest = _after(words, 1, "docker")
    if rest[:1] == ("run",) or rest[:1] == ("exec",):
        return _after(rest, 1, "docker", skip=1) or None
    return None


def _separated(words: Words) -> Words | None:
    """``doppler run -- X``."""
    return words[words.index("--") + 1 :] if "--" in words else None


_WRAPPERS: dict[str, Callable[[Words], Words | None]] = {
    "uv": _uv,
    "uvx": _uvx,
    "poetry": _run("poetry"),
    "pdm": _run("poetry"),
    "pipenv": _run("poetry"),
    "rye": _run("poetry"),
    "pixi": _run("pixi"),
    "conda": _run("conda"),
    "mamba": _run("conda"),
    "micromamba": _run("conda"),
    "pipx": lambda words: _after(words, 2, "uv") if words[1:2] == ("run",) else None,
    "npx": _prefix("env"),
    "python": _python,
    "coverage": _coverage,
    "docker": _docker,
    "podman": _docker,
    "docker-compose": _docker,
    "podman-compose": _docker,
    "env": _prefix("env"),
    "sudo": _prefix("sudo"),
    "exec": _prefix("env"),
    "command": _prefix("env"),
    "nohup": _prefix("env"),
    "nice": _prefix("nice"),
    "eval": _prefix("env"),
    "time": _prefix("env"),
    "xvfb-run": _prefix("env"),
    "xargs": _prefix("xargs"),
    "chronic": _prefix("env"),
    "timeout": _prefix("timeout", skip=1),
    "doppler": _separated,
    "dotenv": _separated,
    "op": _separated,
    "infisical": _separated,
    "aws-vault": _separated,
    "with-contenv": _prefix("env"),
}
