"""`pixi completion`: scripts that complete commands and options by what is written in them, and names of packages,
environments, features and tasks by asking `pixi names --after`. What that answers is never evaluated by the shell.
"""

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
    case "$command:$word" in
        *:-*) ;;
        {asking})
            while IFS= read -r each; do
                COMPREPLY+=("$each")
            done < <(command pixi names --after="${{COMP_WORDS[*]:1:COMP_CWORD-1}}" -- "$word" 2>/dev/null)
            [[ ${{#COMPREPLY[@]}} -eq 0 ]] || return ;;
    esac
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
    if [[ "$words[2]:$words[CURRENT]" != *:-* ]]; then
        case "$words[2]" in
            {asking})
                local -a names
                local before="${{words[2,CURRENT-1]}}"
                names=(${{(f)"$(command pixi names --after="$before" -- "$words[CURRENT]" 2>/dev/null)"}})
                (( $#names )) && compadd -- $names && return ;;
        esac
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
    if ($typed.Count -gt 0 -and $typed[0] -in @({asking}) -and -not $wordToComplete.StartsWith('-')) {{
        if ($wordToComplete) {{ $typed = @($typed | Select-Object -SkipLast 1) }}
        $pixi = Get-Command pixi -CommandType Application | Select-Object -First 1
        $names = @(& $pixi names "--after=$($typed -join ' ')" -- $wordToComplete 2>$null)
        if ($names.Count -gt 0) {{ $words = $names }}
    }}
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
        parser.add_global_options()
        words = sorted(option for option in parser._option_string_actions if option.startswith("--"))
        for action in parser._actions:
            if not action.option_strings and action.choices:
                words += [str(choice) for choice in action.choices]
        found[name] = (text, words)
    return found


def _asking(words: dict[str, tuple[str, list[str]]]) -> list[str]:
    """The commands, aliases included, behind which names of the workspace may stand."""
    from ..ops.completing import NEW, OPTIONS, PRESENT
    from .commands import ALIASES

    found = {name for name, (_, known) in words.items() if name in NEW | PRESENT | {"run"} or {*OPTIONS} & {*known}}
    return sorted(found | {alias for alias, name in ALIASES.items() if name in found})


def _bash(words: dict[str, tuple[str, list[str]]]) -> str:
    cases = "\n".join(
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(options)}" -- "$word")) ;;'
        for name, (_, options) in words.items()
    )
    asking = "|".join(f"{name}:*" for name in _asking(words))
    return _BASH.format(cases=cases, commands=" ".join(words), asking=asking)


def _zsh(words: dict[str, tuple[str, list[str]]]) -> str:
    commands = " ".join(f'"{name}:{text}"' for name, (text, _) in words.items())
    cases = "\n".join(f"        {name}) compadd -- {' '.join(options)} ;;" for name, (_, options) in words.items())
    return _ZSH.format(commands=commands, cases=cases, asking="|".join(_asking(words)))


def _fish(words: dict[str, tuple[str, list[str]]]) -> str:
    lines = [
        "function __pixi_names",
        "    set -l words (commandline -opc)",
        "    set -l part (commandline -ct)",
        """    string match -q -- '-*' "$part"; or command pixi names --after="$words[2..]" -- "$part" 2>/dev/null""",
        "end",
        f'complete -c pixi -n "__fish_seen_subcommand_from {" ".join(_asking(words))}" -f -a "(__pixi_names)"',
    ]
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
    asking = ", ".join(f"'{name}'" for name in _asking(words))
    return _POWERSHELL.format(cases=cases, commands=", ".join(f"'{name}'" for name in words), asking=asking)


def _elvish(words: dict[str, tuple[str, list[str]]]) -> str:
    cases = "\n".join(f"        &{name}=[{' '.join(options)}]" for name, (_, options) in words.items())
    return _ELVISH.format(cases=cases, commands=" ".join(words))


def _nushell(words: dict[str, tuple[str, list[str]]]) -> str:
    # lists of texts are written as in JSON
    cases = "\n".join(f'        "{name}": {json.dumps(options)}' for name, (_, options) in words.items())
    return _NUSHELL.format(cases=cases)
