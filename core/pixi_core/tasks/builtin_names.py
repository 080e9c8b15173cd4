"""The names of the task shell's built-in commands, for whoever must not load the shell to know them."""

BUILTIN_NAMES = frozenset(
    [
        ":", "cat", "cd", "cp", "echo", "exit", "export", "false", "head", "mkdir", "mv", "pwd", "rm", "set", "shopt",
        "sleep", "test", "true", "unset", "xargs",
    ]
)  # fmt: skip
TRIVIAL = {":": 0, "true": 0, "false": 1}
"""Built-ins that do nothing, with their exit codes."""
