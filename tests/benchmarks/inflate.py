"""A channel of real size out of a sample: `python -m tests.benchmarks.inflate CORPUS/conda-forge TARGET`.

Real records stay as they are. Every name gets older versions (`0.<k>.<real version>`, with the dependencies of the
real record and further build numbers), and names of its like are added until the number of records is reached. Writes
`repodata.json`, `repodata.json.zst` and shards for linux-64 and noarch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
import zstandard

SUBDIRS = ("linux-64", "noarch")
Entries = dict[str, dict[str, Any]]


def real_names(folder: Path, subdir: str) -> dict[str, Entries]:
    """The records of one subdir, by name and file name."""
    content = (folder / subdir / "repodata.json.zst").read_bytes()
    index = json.loads(zstandard.ZstdDecompressor().stream_reader(content).read())
    names: dict[str, Entries] = {}
    for section in ("packages", "packages.conda"):
        for file_name, entry in index.get(section, {}).items():
            names.setdefault(entry["name"], {})[file_name] = entry
    return names


def aged(entries: Entries, name: str, generation: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """One older generation of a name's records (or of a namesake's)."""
    for entry in entries.values():
        version = entry["version"].replace("!", ".").replace("%21", ".")
        older = {**entry, "name": name, "version": f"0.{generation}.{version}"}
        seed = f"{name}{older['version']}{entry['build']}{entry.get('build_number')}"
        older["sha256"] = sha256(seed.encode()).hexdigest()
        older["md5"] = older["sha256"][:32]
        older["timestamp"] = 1_400_000_000_000 + generation
        yield f"{name}-{older['version']}-{entry['build']}.conda", older


def inflated(real: dict[str, Entries], wanted: int) -> dict[str, Entries]:
    """Every name with its history, then new names, until there are `wanted` records."""
    names = {name: dict(entries) for name, entries in real.items()}
    count = sum(map(len, names.values()))
    for generation in range(1, 5):
        for name, entries in real.items():
            if len(entries) < 120 and not name.startswith("_") and name not in ("python", "python_abi"):
                names[name].update(aged(entries, name, generation))
    count = sum(map(len, names.values()))
    copy = 0
    while count < wanted:
        copy += 1
        for name, entries in real.items():
            if count >= wanted:
                break
            fresh = f"{name}-x{copy}"
            names[fresh] = dict(aged(entries, fresh, copy))
            count += len(names[fresh])
    return names


def write(names: dict[str, Entries], folder: Path, subdir: str) -> None:
    """All forms of the index."""
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    sections: dict[str, Entries] = {"packages": {}, "packages.conda": {}}
    digests: dict[str, bytes] = {}
    compressor = zstandard.ZstdCompressor(level=3)
    for name, entries in names.items():
        shard: dict[str, Entries] = {"packages": {}, "packages.conda": {}}
        for file_name, entry in entries.items():
            section = "packages.conda" if file_name.endswith(".conda") else "packages"
            sections[section][file_name] = entry
            binary = {key: bytes.fromhex(entry[key]) for key in ("sha256", "md5") if entry.get(key)}
            shard[section][file_name] = {**entry, **binary}
        content = compressor.compress(msgpack.packb({**shard, "removed": []}))
        digest = sha256(content)
        digests[name] = digest.digest()
        (folder / "shards" / f"{digest.hexdigest()}.msgpack.zst").write_bytes(content)
    info = {"subdir": subdir, "base_url": "./", "shards_base_url": "./shards/", "created_at": "2026-01-01T00:00:00Z"}
    index = msgpack.packb({"version": 1, "info": info, "shards": digests})
    (folder / "repodata_shards.msgpack.zst").write_bytes(compressor.compress(index))
    text = json.dumps({"info": {"subdir": subdir}, **sections, "removed": [], "repodata_version": 1}).encode()
    (folder / "repodata.json").write_bytes(text)
    (folder / "repodata.json.zst").write_bytes(compressor.compress(text))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--records", type=int, default=600_000)
    options = parser.parse_args()
    for subdir, share in zip(SUBDIRS, (0.7, 0.3), strict=True):
        names = inflated(real_names(options.source, subdir), int(options.records * share))
        write(names, options.target / subdir, subdir)
        print(subdir, sum(map(len, names.values())), "records,", len(names), "names", flush=True)


if __name__ == "__main__":
    main()
