"""The command `parley`: its options and its output.

What a command needs is imported when it runs, so that each starts as fast as it can.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from parley_cli import operate
from parley_cli.failures import Failed

HOME = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "parley"
SELF = sys.argv[0] if "/" in sys.argv[0] else "parley"

app = typer.Typer(
    help="Parley: real-time comments and chat on an ordered, durable log.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, group in operate.commands(HOME).items():
    app.add_typer(group, name=name)

DataDir = Annotated[Path, typer.Option("--data-dir", help="Where everything is kept.")]
Url = Annotated[str, typer.Option("--url", envvar="PARLEY_URL", help="The server.")]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="PARLEY_TOKEN", help="Without one, it is made with the local secret."),
]
Secret = Annotated[
    str | None, typer.Option("--secret", envvar="PARLEY_JWT_SECRET", help="Signs tokens.", show_envvar=True)
]
User = Annotated[str, typer.Option("--user", help="Who it is from, if no token is given.")]
LOCAL = "http://127.0.0.1:8000"


@app.command("up")
def up_command(
    port: Annotated[int | None, typer.Option(help="Default: PARLEY_PORT, or 8000.")] = None,
    data_dir: DataDir = HOME,
    open: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,  # noqa: A002
) -> None:
    """Run everything on this machine, with an embedded PostgreSQL and NATS."""
    from parley_cli import up

    at = f" --data-dir {data_dir}" if data_dir != HOME else ""

    def ready(url: str) -> None:
        where = at if url == LOCAL else f"{at} --url {url}"
        typer.echo(WELCOME.format(url=url, parley=SELF, data=data_dir, at=where))

    settings = up.settings_of(port)
    up.run(settings, data_dir, os.environ, lambda line: typer.echo(f"  {line}"), ready, browse=open)


WELCOME = """
Parley is ready: {url}/

  chat with yourself   {url}/?room=chat-lobby&as=ada
                       {url}/?room=chat-lobby&as=grace
  watch the room       {parley} tail chat-lobby{at}
  post to it           {parley} post chat-lobby 'Hello, room!'{at}
  the HTTP API         {url}/openapi.json

Ctrl-C stops everything. What was written stays in {data}."""


@app.command("token")
def token_command(
    user: Annotated[str, typer.Option(help="The user's id: the claim `sub`.")],
    room: Annotated[list[str], typer.Option(help="PATTERN=RIGHTS, such as 'chat-*=rw'; may be repeated.")],
    name: Annotated[str | None, typer.Option(help="The name that others see.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="How long it is valid.")] = 24,
    secret: Secret = None,
    data_dir: DataDir = HOME,
) -> None:
    """Print a signed token."""
    from parley_cli import access

    typer.echo(access.token(access.secret_of(data_dir, secret), user, name, room, hours * 3600))


@app.command("post")
def post_command(
    room: str,
    body: Annotated[str, typer.Argument(help="What to say; `-` reads it from standard input.")],
    user: User = "cli",
    key: Annotated[str | None, typer.Option(help="Sent twice with one key, it is posted once.")] = None,
    url: Url = LOCAL,
    token: Token = None,
    secret: Secret = None,
    data_dir: DataDir = HOME,
) -> None:
    """Post a comment; print its room, offset and id."""
    from parley_cli import tail

    text = sys.stdin.read().rstrip("\n") if body == "-" else body
    given = allowed(token, secret, data_dir, user, room)
    typer.echo(tail.post(url, given, room, text, key, say))


@app.command("tail")
def tail_command(
    room: str,
    since: Annotated[str | None, typer.Option(help="EPOCH:OFFSET to go on from.")] = None,
    user: User = "cli",
    url: Url = LOCAL,
    token: Token = None,
    secret: Secret = None,
    data_dir: DataDir = HOME,
) -> None:
    """Print a room's events as they come; after a lost connection, go on where it broke."""
    from parley_cli import tail

    position = tail.position(since) if since else None
    given = allowed(token, secret, data_dir, user, room)
    say(f"waiting for events in {room}; Ctrl-C ends")
    try:
        tail.tail(url, given, room, position, typer.echo, say)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command("explain")
def explain_command(
    comment: Annotated[str, typer.Argument(help="The comment's id, which `parley post` prints.")],
    user: Annotated[str, typer.Argument(help="The id of who should have been notified.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the server's answer.")] = False,
    url: Url = LOCAL,
    token: Token = None,
    secret: Secret = None,
    data_dir: DataDir = HOME,
) -> None:
    """Say whether somebody was notified of a comment, on which devices, and why."""
    from parley_cli import access, explain

    given = token or access.token(access.secret_of(data_dir, secret), "cli", None, ["*=m"], 300)
    typer.echo(explain.explain(url, given, comment, user, as_json=as_json))


@app.command("vapid")
def vapid_command(
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Keep the key here; what is there already is not replaced."),
    ] = None,
) -> None:
    """Print a new private key for Web Push, or the public key of one that is kept in a file."""
    from parley_cli import vapid

    key = vapid.kept(key_file) if key_file else vapid.made()
    if key_file is None:
        typer.echo(key.pem.decode(), nl=False)
        say(f"public key: {key.public}")
    else:
        typer.echo(key.public)


@app.command("schema")
def schema_command(
    write: Annotated[Path | None, typer.Option(help="Write the documents into this directory.")] = None,
) -> None:
    """Print the JSON Schema of the events and the AsyncAPI document of the subjects."""
    from parley_cli import schema

    if write is None:
        typer.echo(
            json.dumps({name: json.loads(text) for name, text in schema.documents().items()}, indent=2)
        )
        return
    for file in schema.write(write):
        typer.echo(f"wrote {file}")


@app.command("doctor")
def doctor_command(url: Url = LOCAL, data_dir: DataDir = HOME) -> None:
    """Look at what a working installation needs, and say what to do about the rest."""
    from parley_cli import doctor

    findings = doctor.examine(data_dir, url)
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.said}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def say(line: str) -> None:
    """Beside the output, which may go to another program."""
    typer.echo(line, err=True)


def allowed(token: str | None, secret: str | None, data_dir: Path, user: str, room: str) -> str:
    from parley_cli import access

    return token or access.token(access.secret_of(data_dir, secret), user, None, [f"{room}=rw"], 24 * 3600)


def main() -> None:
    """What a user can do something about is one line, not a traceback."""
    try:
        app()
    except Failed as reason:
        typer.echo(f"parley: {reason}", err=True)
        sys.exit(reason.status)


if __name__ == "__main__":
    main()
