"""`pixi completion`: scripts that complete commands and options; they ask the shell for nothing but words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from .context import Context

SHELLS = ("bash", "elvish", "fish", "nushell", "powershell", "zsh")

_BASH = """\
_pixi() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" command="" each
    COMPREPLY=()
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$each" in -*) ;; *) command="$each"; break ;; esac
    done
    case "$command" in
{cases}
        *) COMPREPLY=($(compgen -W "{commands}" -- "$word")) ;;
    esac
    [[ ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -F _pixi pixi
"""
_ZSH = """\
#compdef pixi
_pixi() {{
    local -a commands
    commands=({commands})
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    case "$words[2]" in
{cases}
    esac
    _files
}}
compdef _pixi pixi
"""
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName pixi -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $options = @{{
{cases}
    }}
    $words = @({commands})
    $typed = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object {{ "$_" }})
    if ($typed.Count -gt 0 -and $options.ContainsKey($typed[0])) {{ $words = $options[$typed[0]] }}
    $words | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""
_ELVISH = """\
set edit:completion:arg-completer[pixi] = {{|@words|
    var known = [
        &''=[{commands}]
{cases}
    ]
    var command = ''
    for word $words[1..-1] {{
        if (and (eq $command '') (has-key $known $word)) {{ set command = $word }}
    }}
    all $known[$command]
    edit:complete-filename $words[-1]
}}
"""
_NUSHELL = """\
def "nu-complete pixi" [context: string] {{
    let known = {{
{cases}
    }}
    let words = ($context | split row -r '\\s+' | skip 1)
    let command = ($words | drop 1 | where {{|word| $word in ($known | columns)}} | append '' | first)
    if $command == '' {{ $known | columns }} else {{ $known | get $command }}
}}

export extern "pixi" [...words: string@"nu-complete pixi"]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For which shell."""
    parser.add_argument("-s", "--shell", choices=SHELLS, required=True, help="the shell")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the script."""
    words = command_words()
    writers = {
        "bash": _bash, "elvish": _elvish, "fish": _fish, "nushell": _nushell, "powershell": _powershell, "zsh": _zsh
    }  # fmt: skip
    script = writers[arguments.shell](words)
    context.result("completion", {"script": script})
    if not context.json_lines:
        print(script, end="")
    return 0


def command_words() -> dict[str, tuple[str, list[str]]]:
    """Each command with its line of help, and its options and sub-commands."""
    from importlib import import_module

    from .commands import COMMANDS
    from .parser import Parser

    found: dict[str, tuple[str, list[str]]] = {}
    for name, (module, text) in COMMANDS.items():
        parser = Parser(prog=name)
        import_module(f".{module}", __package__).add_arguments(parser)
        words = sorted(option for option in parser._option_string_actions if option.startswith("--"))
        for action in parser._actions:
            if not action.option_strings and action.choices:
                words += [str(choice) for choice in action.choices]
        found[name] = (text, words)
    return found


def _bash(words: dict[str, tuple[str, list[str]]]) -> str:
    cases = "\n".join(
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(options)}" -- "$word")) ;;'
        for name, (_, options) in words.items()
    )
    return _BASH.format(cases=cases, commands=" ".join(words))


def _zsh(words: dict[str, tuple[str, list[str]]]) -> str:
    commands = " ".join(f'"{name}:{text}"' for name, (text, _) in words.items())
    cases = "\n".join(f"        {name}) compadd -- {' '.join(options)} ;;" for name, (_, options) in words.items())
    return _ZSH.format(commands=commands, cases=cases)


def _fish(words: dict[str, tuple[str, list[str]]]) -> str:
    lines = []
    for name, (text, options) in words.items():
        lines.append(f'complete -c pixi -n __fish_use_subcommand -a {name} -d "{text}"')
        for option in options:
            what = f"-l {option[2:]}" if option.startswith("--") else f"-a {option}"
            lines.append(f'complete -c pixi -n "__fish_seen_subcommand_from {name}" {what}')
    return "\n".join(lines) + "\n"


def _powershell(words: dict[str, tuple[str, list[str]]]) -> str:
    cases = "\n".join(
        f"        '{name}' = @({', '.join(repr(option) for option in options)})" for name, (_, options) in words.items()
    )
    return _POWERSHELL.format(cases=cases, commands=", ".join(f"'{name}'" for name in words))


def _elvish(words: dict[str, tuple[str, list[str]]]) -> str:
    cases = "\n".join(f"        &{name}=[{' '.join(options)}]" for name, (_, options) in words.items())
    return _ELVISH.format(cases=cases, commands=" ".join(words))


def _nushell(words: dict[str, tuple[str, list[str]]]) -> str:
    # lists of texts are written as in JSON
    cases = "\n".join(f'        "{name}": {json.dumps(options)}' for name, (_, options) in words.items())
    return _NUSHELL.format(cases=cases)
