"""The store of compiled tables: many writers, torn files, damage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pixi_core.repodata.tables import TableCache
from pixi_core.solve.table import Compiled, Entry, compile_table

KEY = b"k" * 32


def table(number: int) -> tuple[Compiled, list[tuple[int, str, bytes]]]:
    entries = [Entry(f"{number}.{i}", "h_0", i, 0, False, 0, [f"dep{number} >={i}"], (), i) for i in range(3)]
    compiled = compile_table("x", entries)
    encode = msgspec.msgpack.encode
    return compiled, [(0, f"x-{number}.{i}-h_0.conda", encode({"version": f"{number}.{i}"})) for i in compiled.order]


def put(cache: TableCache, key: bytes, number: int) -> None:
    compiled, records = table(number)
    cache.add(key, compiled, records)


def files(folder: Path) -> tuple[Path, Path]:
    (data,) = folder.glob("*.data")
    (toc,) = folder.glob("*.toc")
    return data, toc


def test_round_trip(tmp_path: Path) -> None:
    cache = TableCache(tmp_path)
    assert cache.get(KEY) is None
    put(cache, KEY, 7)
    cache.flush()
    stored = TableCache(tmp_path).get(KEY)
    assert stored is not None
    assert stored.compiled == table(7)[0]
    encode = msgspec.msgpack.encode
    assert stored.record(0) == (0, "x-7.2-h_0.conda", encode({"version": "7.2"}))
    assert stored.record(2) == (0, "x-7.0-h_0.conda", encode({"version": "7.0"}))


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from tests.core.test_repodata_tables import put\n"
        "from pixi_core.repodata.tables import TableCache\n"
        "cache = TableCache(Path(sys.argv[1].rpartition('@')[0])); first = int(sys.argv[1].rpartition('@')[2])\n"
        "for n in range(first, first + 40): put(cache, n.to_bytes(32, 'big'), n); cache.flush()\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, f"{tmp_path}@{first}", *sys.path]) for first in (0, 40, 80)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    cache = TableCache(tmp_path)
    for number in range(120):
        stored = cache.get(number.to_bytes(32, "big"))
        assert stored is not None
        assert stored.compiled == table(number)[0]


@pytest.mark.parametrize("damage", ["torn toc", "short data", "flipped", "empty data", "no data", "garbage toc"])
def test_damage_is_a_miss(tmp_path: Path, damage: str) -> None:
    cache = TableCache(tmp_path)
    put(cache, KEY, 1)
    cache.flush()
    data, toc = files(tmp_path)
    if damage == "torn toc":
        toc.write_bytes(toc.read_bytes()[:-5])
    elif damage == "short data":
        data.write_bytes(data.read_bytes()[:50])
    elif damage == "flipped":
        content = bytearray(data.read_bytes())
        content[60] ^= 1
        data.write_bytes(content)
    elif damage == "empty data":
        data.write_bytes(b"")
    elif damage == "no data":
        data.unlink()
    else:
        toc.write_bytes(b"\xff" * 150)
    again = TableCache(tmp_path)
    assert again.get(KEY) is None
    put(again, KEY, 1)
    again.flush()  # heals, whatever was left
    stored = TableCache(tmp_path).get(KEY)
    assert stored is not None
    assert stored.compiled == table(1)[0]


def test_unwritable_folder_is_only_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = TableCache(tmp_path / "file" / "below")
    put(cache, KEY, 1)
    cache.flush()
    assert cache.get(KEY) is None
