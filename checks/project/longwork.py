"""Work that takes long, and the runners that it is handed to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Function

_LONG = {
    "sends mail": re.compile(
        r"smtplib\..*\.(sendmail|send_message)|aiosmtplib\.(send|.*\.(sendmail|send_message))"
        r"|fastapi_mail\..*send_message|sendgrid\..*\.send|resend\..*\.send(_async)?"
        r"|emails\..*\.send|postmarker\..*\.send|yagmail\..*\.send|mailjet_rest\..*\.create"
        r"|boto3\..*\.send_(raw_)?email|azure\.communication\.email\..*begin_send"
    ),
    "sends a text message": re.compile(r"twilio\..*\.create|vonage\..*\.send\w*|boto3.*\.send_sms"),
    "makes a document": re.compile(
        r"weasyprint\..*\.write_p\w+|pdfkit\.from_\w+|reportlab\..*\.(save|build)"
        r"|xhtml2pdf\.pisa\.\w+|docx2pdf\.convert|matplotlib\..*\.savefig"
    ),
    "makes a video": re.compile(r"moviepy\..*\.write_\w+|ffmpeg\..*\.run(_async)?"),
    "imports or exports in bulk": re.compile(
        r"(pandas|polars)\.(read_(csv|excel|parquet|json)|.*\.to_(csv|excel|parquet))"
        r"|openpyxl\.(load_workbook|.*\.save)"
    ),
    "trains or runs a model": re.compile(
        r"sklearn\..*\.(fit|predict|fit_transform)|(keras|tensorflow)\..*\.(fit|predict)"
        r"|sentence_transformers\..*\.encode|whisper\..*\.transcribe|replicate\.(async_)?run"
        r"|xgboost\..*\.(fit|predict|train)|lightgbm\..*\.(fit|predict|train)"
    ),
    "asks a language model": re.compile(
        r"(openai|anthropic|groq|mistralai|cohere|ollama|together)\..*\.?"
        r"(create|parse|chat|complete|complete_async|generate|agenerate)"
        r"|litellm\.a?completion|google\.(genai|generativeai)\..*\.generate_content(_async)?"
        r"|lang(chain\w*|graph)\..*\.a?(invoke|run|batch|generate)"
        r"|pydantic_ai\.(agent\.)?Agent\.run(_sync)?|vertexai\..*\.generate_content(_async)?"
    ),
}
_LASTS = frozenset(
    "sendmail send_message send send_async send_email send_raw_email begin_send create send_sms "
    "write_pdf write_png from_string from_url from_file save build CreatePDF convert savefig "
    "write_videofile run run_async read_csv read_excel read_parquet read_json to_csv to_excel "
    "to_parquet load_workbook fit predict fit_transform encode transcribe train async_run parse "
    "chat complete complete_async generate agenerate completion acompletion generate_content "
    "generate_content_async invoke ainvoke arun batch abatch run_sync".split()
)
_NAMED = re.compile(r"(?:a?send|deliver)_(?:\w+_)?(?:e?mails?|sms)(?:_\w+)?")
_CONVERTERS = re.compile(
    r"\b(?:ffmpeg|ffprobe|libreoffice|soffice|wkhtmltopdf|pandoc|convert|magick|pdftoppm|tesseract"
    r"|inkscape|chromium|unoconv|gs)\b"
)
_SPAWNING = frozenset(
    "subprocess.run subprocess.call subprocess.Popen subprocess.check_call "
    "subprocess.check_output asyncio.create_subprocess_exec asyncio.create_subprocess_shell "
    "os.system".split()
)
_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep"})
_TASKS = {
    "celery": "celery.", "dramatiq": "dramatiq.", "taskiq": "taskiq.", "huey": "huey.",
    "rq": "rq.",
}  # fmt: skip


class LongWork:
    """Finds long work behind handlers, and dispatches of it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, str] = {}

    # Long work ------------------------------------------------------------------------------------

    def of(self, route: Route) -> Iterator[tuple[Call, str]]:
        """Calls of a handler that do long work before it answers, with what they do."""
        if any(answer.is_stream for answer in route.answers) or route.function.fact.generator:
            return
        for call in route.function.calls:
            what = self.leaf(call)
            if not what:
                what = next(filter(None, map(self._behind, self.project.calls.resolve(call))), "")
            if what:
                yield call, what

    def _behind(self, function: Function) -> str:
        """The long work of a function or of one that it calls, "" for none."""
        known = self._known.get(function.key)
        if known is None:
            self._known[function.key] = ""
            reached = self.project.calls.reachable(function, 1)
            known = ""
            if self.runner_of(function):
                known = "runs a task in the request"
            elif not function.fact.generator:
                found = (self.leaf(call) for each in reached for call in each.calls)
                known = next(filter(None, found), "")
            self._known[function.key] = known
        return known

    def leaf(self, call: Call) -> str:
        """What a call does when that takes long, "" otherwise."""
        stream = call.fact.keyword("stream")
        if isinstance(stream, tree.Const) and stream.value is True:
            return ""
        if call.last in _LASTS:
            name = _rooted(call)
            for what, pattern in _LONG.items():
                if pattern.fullmatch(name):
                    return what
        if _NAMED.fullmatch(call.last) and not self.project.calls.resolve(call):
            return "" if call.name.endswith((".delay", ".apply_async")) else "sends mail"
        if call.last in {"sleep", "run", "call", "Popen", "check_call", "check_output", "system",
                         "create_subprocess_exec", "create_subprocess_shell"}:  # fmt: skip
            return self._waits(call)
        return ""

    def _waits(self, call: Call) -> str:
        if call.name in _SLEEPS:
            around = call.file.blocks_around(call.fact.block)
            function = call.function
            polls = any(block.kind == "while" for _, block in around)
            generator = function is not None and function.fact.generator
            return "waits in a loop" if polls and not generator else ""
        if call.name in _SPAWNING and call.fact.args:
            for node in tree.walk(call.fact.args[0], call.file.facts):
                if _CONVERTERS.search(tree.text_of(node) or ""):
                    return "runs a converter"
        return ""

    # Dispatches -----------------------------------------------------------------------------------

    def runner_of(self, function: Function) -> str:
        """The runner whose task a function is, "" for none."""
        for each in function.fact.decorators:
            name = function.file.resolve(each.value, function.parent)
            kind = self.project.values.callee_of(function.file, each.value, function.parent)
            for runner, prefix in _TASKS.items():
                if name.startswith(prefix) or kind.startswith(prefix):
                    return runner
            written = tree.dotted(each.value) or name
            if written.endswith((".task", ".shared_task")) and "celery" in self._imported:
                return "celery"
        return ""

    @property
    def _imported(self) -> frozenset[str]:
        names = (*_TASKS, "arq", "saq")
        return frozenset(name for name in names if self.project.manifests.imports(name))

    def dispatches(self) -> Iterator[tuple[Call, str]]:
        """Each hand-over of work, with its runner."""
        imported = self._imported
        lasts = (
            "delay", "apply_async", "send_task", "send", "send_with_options", "kiq", "enqueue",
            "enqueue_job", "enqueue_in", "enqueue_at", "add_task", "BackgroundTask",
        )  # fmt: skip
        for file in self.project.production:
            for call in file.calls_named(*lasts):
                runner = self._runner(call, imported)
                if runner:
                    yield call, runner

    def _runner(self, call: Call, imported: frozenset[str]) -> str:
        if call.last in {"add_task", "BackgroundTask"}:
            background = call.name.startswith(("fastapi.BackgroundTasks.", "starlette.background."))
            return "backgroundtasks" if background else ""
        owner = call.name.rpartition(".")[0]
        task = self.project.names.function_named(owner) if owner else None
        known = "" if task is None else self.runner_of(task)
        if known:
            return known
        if call.last in {"delay", "apply_async", "send_task"}:
            return next((each for each in ("celery", "rq", "huey") if each in imported), "")
        if call.last == "kiq":
            return "taskiq"
        if call.last == "enqueue_job":
            return "arq"
        if call.last.startswith("enqueue"):
            return next((each for each in ("rq", "saq") if call.name.startswith(f"{each}.")), "")
        return ""

    def loose(self) -> Iterator[Call]:
        """Tasks and threads that handlers start and nobody waits for."""
        reached = self.project.calls
        seen: set[Call] = set()
        for route in self.project.routes.handlers:
            for function in reached.reachable(route.function, 2):
                for call in function.calls:
                    if call not in seen and _is_loose(call):
                        seen.add(call)
                        yield call


def _rooted(call: Call) -> str:
    """The name of a callee from the type of the object that its chain of attributes begins with.

    The parts of a library's client have no type that is known: ``client.chat.completions``.
    """
    parts = tree.dotted(call.fact.func).split(".")
    for size in range(len(parts) - 1, 0, -1):
        kind = call.file.type_of(tree.Name(".".join(parts[:size])), call.function)
        if kind:
            return ".".join((kind, *parts[size:]))
    return call.name


def _is_loose(call: Call) -> bool:
    if call.last in {"create_task", "ensure_future"} and call.name.startswith("asyncio."):
        return call.fact.statement or _is_only_kept(call)
    return call.last == "Thread" and call.name == "threading.Thread"


def _is_only_kept(call: Call) -> bool:
    """Whether a task is put into a set and never awaited."""
    row = call.file.tables.assign_of_call.get(call.index)
    function = call.function
    target = row.targets[0] if row is not None else None
    if function is None or not isinstance(target, tree.Name):
        return False
    return any(other.last == "add" and target in other.fact.args for other in function.calls)
