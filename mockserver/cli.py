"""Declares the command line: ``mockserver serve | transcribe | speak | models | limits | stubs | call | …``."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from mockserver.settings.loading import load_settings

try:
    import click
except ImportError as problem:  # other missing packages are reported where they are needed
    sys.exit(f"mockserver: {problem}. Reinstall it: pip install --force-reinstall click")

from mockserver import namesake
from mockserver.installation import broken_part
from mockserver.providers.openai.audio.formats import FORMATS
from mockserver.settings.model import OPTIONS, TIERS, Settings, SettingsError
from mockserver.settings.values import kind_of
from mockserver.version import __version__

_STREAM_ERRORS = (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF)
ENGINE_OPTIONS = ("whisper_", "fixtures", "unknown_audio", "max_audio_seconds", "speech_")
CALL_OPTIONS = ("stubs", "realtime_", "reply_from", "seed", "log_level")  # of a server for a call


class _Program(click.Group):
    """The program. Errors that a user can fix are one line on standard error and exit status 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if namesake.is_in_charge():  # otherwise the import of the package warns
            click.echo(f"mockserver: {namesake.complaint()}", err=True)
        _ready_streams()
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except (SettingsError, OSError) as error:
            _fail(broken_part(error) or _of_stream(error) or str(error))
        except Exception as error:
            if complaint := broken_part(error):
                _fail(complaint)
            raise


def _ready_streams() -> None:
    """Open closed standard streams on the null device; escape characters that the encoding of open ones lacks."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _of_stream(error: Exception) -> str | None:
    """Return a message if ``error`` is a failure of standard output, which then leads to the null device."""
    if not isinstance(error, OSError) or error.errno not in _STREAM_ERRORS or error.filename is not None:
        return None
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if error.errno == errno.EPIPE:  # its reader has ended; no message is needed
        sys.exit(1)
    return f"cannot write to standard output: {error.strerror}"


def _fail(message: str) -> NoReturn:
    from mockserver.commands.failures import fail

    fail(message)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """An offline mock server and test double of the hosted audio APIs."""
    # The threads of numpy's library wait for each other in busy loops (``audio/products.py``).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


CONFIG = click.option(
    "--config",
    type=click.Path(),
    help="Settings file [default: mockserver.toml, if it exists].",
)


def setting_options(*prefixes: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds an option for every setting, or for those with one of the ``prefixes``."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(OPTIONS):
            if prefixes and not option.name.startswith(prefixes):
                continue
            command = _click_option(option)(command)
        return CONFIG(command)

    return add


def _click_option(option: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    flag = "--" + option.name.replace("_", "-")
    kind = kind_of(option)
    default = "" if option.default in ("", ()) else f" [default: {_shown(option.default)}]"
    text = option.metadata["help"] + default
    if kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", option.name, default=None, help=text)
    if kind is tuple:
        return click.option(flag, option.name, multiple=True, metavar="FOLDER", help=text)
    metavar = "|".join(option.metadata["choices"]) or {int: "N", float: "X", str: "TEXT"}[kind]
    return click.option(flag, option.name, metavar=metavar, help=text)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def settings_of(config: str | None, given: dict[str, Any]) -> Settings:
    """Return the settings of a command: file, environment and the options ``given`` on the command line."""
    overrides = {name: value for name, value in given.items() if value is not None and value != ()}
    return load_settings(Path(config) if config else None, os.environ, **overrides)


@main.command()
@setting_options()
def serve(config: str | None, **given: Any) -> None:
    """Serve the API until interrupted."""
    gc.disable()  # It would free nothing during the imports, and take a tenth of the start.
    settings = settings_of(config, given)
    if settings.workers > 1:
        from mockserver.commands.workers import run
    else:
        from mockserver.commands.serve import run
    run(settings)


@main.command()
@setting_options()
def worker(config: str | None, **given: Any) -> None:
    """Transcribe and process batches for servers with heavy_work = workers, until interrupted."""
    from mockserver.commands.worker import run

    run(settings_of(config, given))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--response-format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
)
@click.option("--language", help="Language of the speech (ISO 639-1) [default: detected].")
@click.option("--prompt", default="", help="Text before the speech, or names that occur in it.")
@click.option("--translate", is_flag=True, help="Translate into English.")
@setting_options(*ENGINE_OPTIONS)
def transcribe(file: str, config: str | None, **given: Any) -> None:
    """Transcribe FILE with the engines of the server."""
    from mockserver.commands.transcribe import run

    options = {name: given.pop(name) for name in ("response_format", "language", "prompt", "translate")}
    run(settings_of(config, given), file, **options)


@main.command()
@click.argument("text")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="File to write.")
@click.option("--voice", default="alloy", show_default=True, help="One of the thirteen voices.")
@click.option(
    "--response-format",
    type=click.Choice(["mp3", "opus", "aac", "flac", "wav", "pcm"]),
    help="Format of the file [default: by its extension].",
)
@click.option("--speed", type=click.FloatRange(0.25, 4.0), default=1.0, show_default=True)
@click.option("--instructions", default="", help='How to speak: "whisper", "speak slowly", "cheerful" ...')
@setting_options(*ENGINE_OPTIONS)
def speak(text: str, config: str | None, **given: Any) -> None:
    """Speak TEXT into a file with the engine of the server. TEXT can be - for standard input."""
    from mockserver.commands.speak import run

    options = {
        name: given.pop(name) for name in ("output", "voice", "response_format", "speed", "instructions")
    }
    run(settings_of(config, given), text, **options)


class _NamedGroup(click.Group):
    """A group of commands in which ``NAME`` is short for ``show NAME``."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@main.group(cls=_NamedGroup, invoke_without_command=True, subcommand_metavar="[NAME | pull NAME]")
@click.option(
    "--retiring",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="List only models that shut down within DAYS.",
)
@click.option("--from", "first", metavar="DATE", help="First of the DAYS [default: today].")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True)
@CONFIG
@click.pass_context
def models(
    ctx: click.Context, config: str | None, retiring: int | None, first: str | None, shape: str
) -> None:
    """List the models of the API, show one (models NAME), or download a Whisper model (models pull NAME)."""
    from mockserver.commands.models import list_models, list_retiring

    if ctx.invoked_subcommand is not None:
        if retiring is not None or first or shape != "table":
            raise click.UsageError(f"{ctx.invoked_subcommand} takes no options before it. Leave them out.")
        ctx.obj = config
    elif retiring is not None:
        list_retiring(settings_of(config, {}), retiring, first, as_json=shape == "json")
    else:
        list_models(settings_of(config, {}), as_json=shape == "json")


@models.command("show")
@click.argument("name")
@click.pass_obj
def models_show(config: str | None, name: str) -> None:
    """Show everything known about a model: prices, limits, features, endpoints, snapshots."""
    from mockserver.commands.models import show_model

    show_model(settings_of(config, {}), name)


@models.command("pull")
@click.argument("name")
def models_pull(name: str) -> None:
    """Download a Whisper model (tiny, base, small, ...). No other command downloads anything."""
    from mockserver.commands.models import pull_model

    pull_model(name)


@main.group(cls=_NamedGroup, invoke_without_command=True, subcommand_metavar="[NAME | watch]")
@click.option("--tier", type=click.Choice(TIERS), help="Show only this usage tier.")
@click.option("--model", metavar="NAME", help="Show only the limits of this model or limit group.")
@CONFIG
@click.pass_context
def limits(ctx: click.Context, config: str | None, tier: str | None, model: str | None) -> None:
    """Show the rate limits of every usage tier, or of one model (limits NAME), or watch a running server (watch)."""
    if ctx.invoked_subcommand is None:
        from mockserver.commands.limits import show_limits

        show_limits(settings_of(config, {}), tier, model)
    elif model or (tier and ctx.invoked_subcommand != "show"):
        raise click.UsageError(f"{ctx.invoked_subcommand} takes neither --tier nor --model.")
    ctx.obj = config


@limits.command("show")
@click.argument("name")
@click.pass_context
def limits_show(ctx: click.Context, name: str) -> None:
    """Show the limits of one model or limit group."""
    from mockserver.commands.limits import show_limits

    outer = ctx.parent.params if ctx.parent else {}
    show_limits(settings_of(ctx.obj, {}), outer.get("tier"), name)


@limits.command("watch")
@click.option("--url", help="URL of the running server [default: host and port of the settings].")
@click.option(
    "--control-token", metavar="TEXT", help="Control token of the server [default: that of the settings]."
)
@click.option("--once", is_flag=True, help="Print once and exit.")
@click.pass_obj
def limits_watch(config: str | None, url: str | None, control_token: str | None, once: bool) -> None:
    """Show live gauges of every bucket of a running server, and the costs so far."""
    from mockserver.commands.limits import watch_limits

    settings = settings_of(config, {"control_token": control_token})
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.speaks_tls else "http"
    watch_limits(url or f"{scheme}://{host}:{settings.port}", token=settings.control_token, once=once)


@main.group()
def stubs() -> None:
    """Check folders of stubs."""


@stubs.command("check")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True)
def stubs_check(folders: tuple[str, ...]) -> None:
    """Load the stubs of folders as `serve --stubs FOLDER` would, report problems, and count them."""
    from mockserver.commands.stubs import check_stubs

    check_stubs(folders)


@main.command()
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True)
@setting_options()
def doctor(shape: str, config: str | None, **given: Any) -> None:
    """Report what works on this machine, and how to fix what does not."""
    from mockserver.commands.doctor import run

    run(settings_of(config, given), as_json=shape == "json")


@main.command()
@setting_options("host", "port", "tls")
@click.option(
    "--wait", type=click.FloatRange(0, 3600), default=0.0, metavar="SECONDS", help="Wait for it for so long."
)
def healthcheck(config: str | None, wait: float, **given: Any) -> None:
    """Ask the server of these settings whether it is ready; exit status 1 if it is not."""
    from mockserver.commands.healthcheck import run

    run(settings_of(config, given), wait)


@main.command()
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True)
@click.option(
    "--url", help="URL of the server, such as http://127.0.0.1:4010/v1 [default: a server in this process]."
)
@click.option(
    "--api-key", metavar="TEXT", help="API key [default: OPENAI_API_KEY, or one of the mock server]."
)
@click.option("--ca-file", metavar="FILE", help="File by which a server with TLS is verified.")
@click.option(
    "--pacing",
    type=click.Choice(["auto", "virtual", "real"]),
    default="auto",
    show_default=True,
    help="Time of the call: virtual, which needs this server, or real.",
)
@click.option("--junit", metavar="FILE", help="Report to write, in the form of JUnit.")
@click.option("--svg", metavar="FILE", help="Drawing of the call to write.")
@setting_options(*ENGINE_OPTIONS, *CALL_OPTIONS)
def call(scenarios: tuple[str, ...], config: str | None, **given: Any) -> None:
    """Call a Realtime server as scenarios (YAML) say, and print who spoke when; exit status 1 if one fails."""
    from mockserver.commands.call import run

    names = ("url", "api_key", "ca_file", "pacing", "junit", "svg")
    options = {name: given.pop(name) for name in names}
    run(settings_of(config, given), scenarios, **options)


@main.command()
@click.option(
    "--url", help="URL of the running server to join [default: a server of its own, on a free port]."
)
@click.option(
    "--api-key", metavar="TEXT", help="API key whose account the tools concern [default: every account]."
)
@click.option("--ca-file", metavar="FILE", help="File by which a server with TLS is verified.")
@setting_options()
def mcp(url: str | None, api_key: str | None, ca_file: str | None, config: str | None, **given: Any) -> None:
    """Serve agents by the Model Context Protocol, over standard input and output."""
    from mockserver.commands.mcp import run

    if given["port"] is None:
        given["port"] = "0"
    run(settings_of(config, given), url=url, api_key=api_key, ca_file=ca_file)


@main.command()
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show accepted differences as well.")
def drift(shape: str, everything: bool) -> None:
    """Compare schemas and catalog with the installed openai SDK; exit status 1 for differences, 2 without an SDK."""
    from mockserver.commands.drift import run

    run(as_json=shape == "json", everything=everything)
