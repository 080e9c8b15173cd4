"""The table of built-in commands. A command is a module; it is imported when it is chosen."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Create a new workspace"),
    "add": ("add", "Add packages to the workspace"),
    "remove": ("remove", "Remove packages from the workspace"),
    "install": ("install", "Install an environment, updating the lock file where needed"),
    "reinstall": ("reinstall", "Put the files of packages in place again"),
    "update": ("update", "Update packages within the ranges of the manifest"),
    "upgrade": ("upgrade", "Update packages, and the ranges of the manifest with them"),
    "lock": ("lock", "Solve the environments and update the lock file"),
    "run": ("run", "Run a task or a command in an environment"),
    "task": ("task", "Add, remove and list the tasks of the workspace"),
    "list": ("list", "List the packages of an environment"),
    "tree": ("tree", "Draw which package needs which"),
    "why": ("why", "Say which requirements bring a package in"),
    "size": ("size", "Say what weighs how much in an environment, and what would go with it"),
    "search": ("search", "Search packages in channels"),
    "channel": ("channel", "Index or serve a folder of archives, or the package cache, as a channel"),
    "diff": ("diff", "Compare lock files, or what is installed with what is locked"),
    "workspace": ("workspace", "Look at and change what the manifest says of the workspace"),
    "import": ("import_file", "Take over an environment.yml or requirements.txt"),
    "history": ("history", "List the generations of an environment, and what changed in each"),
    "rollback": ("rollback", "Return manifest, lock file and environment to a generation"),
    "info": ("info", "Show the machine, the workspace and its environments"),
    "status": ("status", "Say whether manifest, lock file and environment agree"),
    "doctor": ("doctor", "Check environments, caches and configuration, and repair them"),
    "shell": ("shell", "Start a shell inside an environment"),
    "exec": ("exec", "Run a program in an environment of its own that is kept in the cache"),
    "shell-hook": ("shell_hook", "Print the script that activates an environment"),
    "global": ("global_tools", "Install tools of your own, each in an environment of its own"),
    "materialize": ("materialize", "Make a locked environment in a store that everybody uses"),
    "store": ("store", "List, collect and check the environments of a store"),
    "trust": ("trust", "Approve what a workspace or notebook installs and runs in Jupyter"),
    "auth": ("auth", "Keep credentials for channels and indexes"),
    "config": ("config", "Show and change the configuration"),
    "clean": ("clean", "Remove environments, or what the caches hold"),
    "completion": ("completion", "Print the script that completes commands in a shell"),
}
"""Name → (module below this package, one line of help)."""

ALIASES = {
    "a": "add",
    "rm": "remove",
    "i": "install",
    "r": "run",
    "ls": "list",
    "s": "shell",
    "x": "exec",
    "g": "global",
}
