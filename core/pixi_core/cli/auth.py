"""`pixi auth`: credentials for channels and indexes that are not open to everybody."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from .parser import Parser

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """login, logout, status, token."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="ACTION", parser_class=Parser)
    one = verbs.add_parser("login", help="keep a credential for a host")
    one.add_argument("host", metavar="HOST", help="`channel.example`, a URL, or `s3://bucket`")
    one.add_argument("--token", metavar="TOKEN", help="sent as a bearer token; `-` reads a line of standard input")
    one.add_argument("--conda-token", metavar="TOKEN", help="sent as part of the address; `-` as above")
    one.add_argument("--username", metavar="NAME", help="with a password")
    one.add_argument("--password", metavar="TEXT", help="`-` as above; asked for where it is missing")
    one.add_argument("--s3-access-key-id", metavar="ID")
    one.add_argument("--s3-secret-access-key", metavar="TEXT", help="`-` as above")
    one.add_argument("--s3-session-token", metavar="TEXT", help="of a key that is lent")
    verbs.add_parser("logout", help="forget the credential of a host").add_argument("host", metavar="HOST")
    one = verbs.add_parser("status", help="what is stored, without secrets")
    one.add_argument("hosts", nargs="*", metavar="HOST", help="look also into the key ring, for these")
    one.add_argument("--json", action="store_true", help="print JSON")
    verbs.add_parser("token", help="print the secret of a host").add_argument("host", metavar="HOST")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Keep, forget or show."""
    from ..ops import auth

    if arguments.verb == "login":
        where = auth.login(arguments.host, _credential(arguments), context.environ)
        context.reporter.message(f"✔ Stored the credential of {auth.place_for(arguments.host)} in {where}")
    elif arguments.verb == "logout":
        context.reporter.message(f"✔ Forgot the credential of {auth.logout(arguments.host, context.environ)}")
    elif arguments.verb == "token":
        print(auth.token(arguments.host, context.environ))
    else:
        entries = auth.status(context.environ, tuple(arguments.hosts))
        if arguments.json:
            print(json.dumps([entry.to_json() for entry in entries], indent=2))
        for entry in () if arguments.json else entries:
            print(f"{entry.place}: {entry.kind}{f' of {entry.user}' if entry.user else ''}, in {entry.kept_in}")
    return 0


def _credential(arguments: argparse.Namespace) -> dict[str, Any]:
    """As credentials files hold it. Raises `UsageError` unless exactly one kind is given."""
    from ..errors import UsageError

    given = {
        "BearerToken": arguments.token,
        "CondaToken": arguments.conda_token,
        "BasicHTTP": arguments.username or arguments.password,
        "S3Credentials": arguments.s3_access_key_id or arguments.s3_secret_access_key or arguments.s3_session_token,
    }
    kinds = [kind for kind, value in given.items() if value is not None]
    if len(kinds) != 1:
        raise UsageError(
            "which credential?" if not kinds else "one kind of credential at a time",
            hints=["--token, --conda-token, --username with --password, or --s3-access-key-id with its secret"],
        )
    if kinds[0] == "BasicHTTP":
        if not arguments.username:
            raise UsageError("a password needs its --username")
        return {"BasicHTTP": {"username": arguments.username, "password": _secret(arguments.password, "password")}}
    if kinds[0] == "S3Credentials":
        if not arguments.s3_access_key_id:
            raise UsageError("an access key needs its --s3-access-key-id")
        secret = _secret(arguments.s3_secret_access_key, "secret access key")
        lent = {"session_token": arguments.s3_session_token} if arguments.s3_session_token else {}
        return {"S3Credentials": {"access_key_id": arguments.s3_access_key_id, "secret_access_key": secret, **lent}}
    return {kinds[0]: _secret(given[kinds[0]], "token")}


def _secret(given: str | None, what: str) -> str:
    """The secret itself: `-` is a line of standard input, which no list of processes shows; None asks the user."""
    from ..errors import UsageError

    if given is None and sys.stdin.isatty():
        from getpass import getpass

        given = getpass(f"{what}: ")
    elif given == "-":
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise UsageError(f"the {what} is missing", hints=["give `-` and write it to standard input"])
    return given
