"""The command line: `bridge COMMAND`; see `--help`.

A command imports what it works with when it runs: to load all of bridge takes most of a second.
"""

import asyncio
import sys
from collections.abc import MutableMapping
from pathlib import Path

import click

from bridge import __version__, settings
from bridge.cli import connections, dead_letters, env_files, inbox, opening
from bridge.cli.opening import Environ
from bridge.cli.terminal import WrongArgument
from bridge.core.errors import BridgeError

EXIT_FAILED, EXIT_USAGE = 1, 2


def main(arguments: list[str], environ: MutableMapping[str, str]) -> int:
    """Run one command; return the exit status: 0 done, 1 failed, 2 wrong settings or usage."""
    try:
        # --help and --version return their status, a command returns nothing.
        return bridge.main(arguments, "bridge", standalone_mode=False, obj=environ) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return EXIT_FAILED
    except settings.SettingsError as error:
        return _fail(str(error), EXIT_USAGE)
    except BridgeError as error:
        return _fail(f"bridge: {error}", EXIT_USAGE if isinstance(error, WrongArgument) else EXIT_FAILED)
    except Exception as error:
        from redis.exceptions import RedisError

        if not isinstance(error, RedisError | OSError):
            raise
        return _fail(f"bridge: Redis does not answer ({type(error).__name__}): check REDIS_URL")


def _fail(sentence: str, status: int = EXIT_FAILED) -> int:
    print(sentence, file=sys.stderr)
    return status


@click.group()
@click.version_option(__version__, message="bridge %(version)s")
@click.option(
    "--env-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also read settings from a file of NAME=VALUE lines. The environment takes precedence.",
)
@click.pass_obj
def bridge(environ: MutableMapping[str, str], env_file: Path | None) -> None:
    """Show each GitHub pull request as a thread of a team inbox.

    Settings come from the environment, or from a file such as `init` writes. Give each command the settings
    of the running bridge, above all its REDIS_URL.

    Exit status: 0 if the command did its work, 1 if it failed, 2 if a setting or an argument is wrong.
    """
    if env_file:
        for name, value in env_files.read(env_file).items():
            environ.setdefault(name, value)
    for name, value in opening.kept_settings(environ).items():
        environ.setdefault(name, value)


bridge.add_command(env_files.init_command)
bridge.add_command(connections.connect_command)
bridge.add_command(connections.list_command)
bridge.add_command(connections.disconnect_command)
bridge.add_command(connections.options_command)
bridge.add_command(dead_letters.group)
bridge.add_command(inbox.group)


@bridge.command(epilog="Example: bridge serve")
@click.pass_obj
def serve(environ: Environ) -> None:
    """Run the web server and the worker in one process.

    Needs GitHub's settings and bridge's own secrets: see `init`. Without Flowdock's settings, serves an inbox
    of its own, and prints a link for its first owner. Without REDIS_URL, starts a Redis that keeps its data
    in your state folder (~/.local/state/bridge on Linux). If no secret is set either, creates them there at
    the first start. On SIGTERM, finishes its work within 25 seconds.
    """
    _run("serve", environ)


@bridge.command(epilog="Example: WEB_CONCURRENCY=2 bridge web")
@click.pass_obj
def web(environ: Environ) -> None:
    """Run the web server, in WEB_CONCURRENCY processes.

    Needs the same settings as `serve`, and a worker beside it. Replaces a process that dies. On SIGTERM,
    finishes its requests within 25 seconds.
    """
    _run("web", environ)


@bridge.command(epilog="Example: bridge worker")
@click.pass_obj
def worker(environ: Environ) -> None:
    """Run a worker.

    Needs the same settings as `serve`. Several workers share the deliveries through Redis. Answers /metrics
    on METRICS_PORT, if that is set. On SIGTERM, finishes its work within 25 seconds, and leaves the rest in
    Redis.
    """
    _run("worker", environ)


def _run(command: str, environ: Environ) -> None:
    from bridge.cli import serve

    serve.start(command, environ)


@bridge.command(epilog="Example: bridge recover acme/component")
@click.argument("repository", metavar="[OWNER/REPO]", default="")
@click.pass_obj
def recover(environ: Environ, repository: str) -> None:
    """Have GitHub redeliver failed deliveries.

    Needs WEB_URL and ENCRYPTION_KEY, and either GITHUB_TOKEN or the linked accounts of the people who
    connected the repositories. GitHub keeps failed deliveries for three days. Without OWNER/REPO, asks for
    all repositories.
    """
    from bridge.cli import recover

    token = environ.get("GITHUB_TOKEN", "").strip()
    opening.with_services(
        environ,
        lambda services: recover.recover(services, typed=repository, token=token),
        needs_address=True,
    )


@bridge.command(epilog="Example: GITHUB_TOKEN=TOKEN bridge hook acme/component")
@click.argument("repository", metavar="OWNER/REPO")
@click.option("--as", "login", default="", metavar="LOGIN", help="Use this linked GitHub account.")
@click.pass_obj
def hook(environ: Environ, repository: str, login: str) -> None:
    """Create or repair a webhook, and wait for its ping.

    Needs WEB_URL and ENCRYPTION_KEY, a running bridge that GitHub can reach, and either GITHUB_TOKEN or the
    linked account of an administrator. The repository then has exactly one webhook to bridge.
    """
    from bridge.cli import hook

    token = environ.get("GITHUB_TOKEN", "").strip()
    opening.with_services(
        environ,
        lambda services: hook.hook(services, typed=repository, login=login, token=token),
        needs_address=True,
    )


@bridge.command("rotate-keys", epilog="Example: bridge rotate-keys --dry-run")
@click.option("--dry-run", is_flag=True, help="Only count the values.")
@click.pass_obj
def rotate(environ: Environ, dry_run: bool) -> None:
    """Encrypt all secrets in Redis with the first key.

    Needs ENCRYPTION_KEY=NEW,OLD: each key decrypts, the first one encrypts. bridge may keep running, and the
    command may be repeated. Afterwards, remove OLD from ENCRYPTION_KEY.
    """
    from bridge.cli.rotate_keys import rotate_keys

    opening.with_redis(environ, lambda redis, vault: rotate_keys(redis, vault, dry_run=dry_run))


@bridge.command("app-secret", epilog="Example: bridge app-secret private-key bridge.private-key.pem")
@click.argument("kind", type=click.Choice(["private-key", "client-secret", "webhook-secret"]))
@click.argument("file")
@click.pass_obj
def app_secret(environ: Environ, kind: str, file: str) -> None:
    """Replace a secret of the GitHub App.

    Needs ENCRYPTION_KEY and GITHUB_APP. Make the new secret in the App's settings on GitHub first, and delete
    the old one there afterwards. FILE has the new one; `-` reads it from standard input. bridge may keep
    running.
    """
    from bridge.cli.app_secret import replace_secret

    try:
        with click.open_file(file) as opened:
            value = opened.read()
    except OSError as error:
        raise click.FileError(file, hint=error.strerror) from None
    except UnicodeDecodeError:
        raise WrongArgument(f"{file} is not a text file: nothing was changed") from None
    opening.with_services(environ, lambda services: replace_secret(services, kind=kind, value=value))


@bridge.command(epilog="Example: bridge doctor --offline")
@click.option("--offline", is_flag=True, help="Check the settings alone, without the network.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(context: click.Context, offline: bool, as_json: bool) -> None:
    """Check this installation, and say what to do.

    Checks the settings, Redis, GitHub, Flowdock, the mail server, the public address and each webhook.
    Changes nothing. Fails if a check is "wrong", not if it is "warn".
    """
    from bridge.cli import doctor

    opening.quiet()
    environ, file = context.obj, context.find_root().params["env_file"]
    unknown = env_files.unknown(file) if file else set()
    chosen, problems = settings.examine(environ)
    # A malformed REDIS_URL has a row of its own, and no client takes it.
    if offline or any(problem.startswith("REDIS_") for problem in problems):
        asyncio.run(doctor.examine(environ, redis_url=None, as_json=as_json, unknown=unknown))
        return
    with opening.redis_url(chosen) as url:
        asyncio.run(doctor.examine(environ, redis_url=url, as_json=as_json, unknown=unknown))
