"""Lock files of old versions with what generated ones do not have, and those of the round-trip tests."""

from __future__ import annotations

from tests.core.test_lock_roundtrip import V5, V6, V7

HEAD = """environments:
  default:
    channels:
    - url: https://conda.example/main/
    packages:
      win-64:
"""
TWICE = f"""version: 5
{HEAD}      - conda: https://conda.example/main/noarch/tzdata-2024b-h1_0.conda
packages:
- kind: conda
  name: tzdata
  version: 2024b
  build: h1_0
  subdir: noarch
  noarch: generic
  url: https://conda.example/main/noarch/tzdata-2024b-h1_0.conda
  size: 122354
- kind: conda
  name: tzdata
  version: 2024b
  build: h1_0
  subdir: noarch
  noarch: generic
  url: https://conda.example/main/noarch/tzdata-2024b-h1_0.conda
  purls: []
  size: 122354
"""
WINDOWS_PATH = f"""version: 4
{HEAD}      - pypi: E:\\work\\deps/minimal-project
packages:
- kind: pypi
  name: minimal-project
  version: '0.1'
  path: E:\\work\\deps/minimal-project
  editable: true
"""
GIT_AND_DIRECT = f"""version: 4
{HEAD}      - pypi: git+ssh://git@git.example/flask@b90a4f1f4a370e92054b9cc9db0efcb864f87ebe
      - pypi: direct+https://host.example/click-8.1.7-py3-none-any.whl
        extras:
        - fast
      - pypi: ./links/requests-2.31.0-py3-none-any.whl
packages:
- kind: pypi
  name: flask
  version: 3.0.2
  url: git+ssh://git@git.example/flask@b90a4f1f4a370e92054b9cc9db0efcb864f87ebe
  requires_dist:
  - werkzeug >=3.0.0
  - asgiref >=3.2 ; extra == 'async'
- kind: pypi
  name: click
  version: 8.1.7
  url: direct+https://host.example/click-8.1.7-py3-none-any.whl
- kind: pypi
  name: requests
  version: 2.31.0
  path: ./links/requests-2.31.0-py3-none-any.whl
"""
SOURCE_VARIANTS = f"""version: 6
{HEAD}      - conda: my-package
        variants:
          target_platform: win-64
packages:
- conda: my-package
  name: my-package
  version: 1.0.0
  subdir: noarch
  variants:
    target_platform: linux-64
- conda: my-package
  name: my-package
  version: 1.0.0
  subdir: noarch
  variants:
    target_platform: win-64
"""
CONDA_PATH = f"""version: 6
{HEAD}      - conda: /srv/pkgs/child-0.1.0-py_3.conda
packages:
- conda: /srv/pkgs/child-0.1.0-py_3.conda
  subdir: noarch
  depends:
  - python
"""
ALIKE = {
    "version 7": V7.replace("  channel: null\n", ""),  # the peer reads null as if nothing was said
    "version 6": V6,
    "version 5": V5,
    "twice, once with purls": TWICE,
    "path on Windows": WINDOWS_PATH,
    "git, direct and wheel": GIT_AND_DIRECT,
    "conda package in a folder": CONDA_PATH,
}
"""Those that the peer reads to the same content."""
