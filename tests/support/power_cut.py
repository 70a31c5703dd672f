"""Cuts the power of a traced run at every point: what would be on the disk, and is every acknowledged record there?

A program runs under strace and prints `ack WORD` for each record that it acknowledges. Its writes to files are
replayed one by one. At each point the disk holds what was synced, and of the rest nothing, everything, or some: a power
cut keeps whatever it likes of what was not synced, in any order.
"""

import hashlib
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STRACE = shutil.which("strace")
_CALLS = "pwrite64,pwritev,pwritev2,write,writev,ftruncate,fsync,fdatasync,unlink,rename"
_TEXT_BYTES_MAX = 4 * 1024 * 1024
SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written at a place of a file."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file got this length."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was written to the file until now is on the disk."""

    name: str


@dataclass(frozen=True, slots=True)
class Unlink:
    """The file is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The program promised that these records are kept."""

    words: tuple[str, ...]


Event = Write | Truncate | Sync | Unlink | Acknowledge


@dataclass
class Disk:
    """Files by their names: what is safe, and what was done since, in order."""

    safe: dict[str, bytes] = field(default_factory=dict)
    unsafe: list[Write | Truncate] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        """Let one thing happen."""
        match event:
            case Write() | Truncate():
                self.unsafe.append(event)
            case Sync(name):
                synced = [done for done in self.unsafe if done.name == name]
                self.safe = _replayed(self.safe, synced)
                self.unsafe = [done for done in self.unsafe if done.name != name]
            case Unlink(name):
                self.safe = {other: data for other, data in self.safe.items() if other != name}
                self.unsafe = [done for done in self.unsafe if done.name != name]
            case Acknowledge():
                pass

    def images(self, chances: random.Random, subsets: int) -> Iterator[dict[str, bytes]]:
        """The files after a power cut now: nothing of what is unsafe, all of it, and some choices of it."""
        yield self.safe
        if self.unsafe:
            yield _replayed(self.safe, self.unsafe)
        for _ in range(subsets if len(self.unsafe) > 1 else 0):
            yield _replayed(self.safe, [done for done in self.unsafe if chances.random() < 0.5])


@dataclass
class Verdict:
    """What the cuts showed."""

    states: int = 0
    acknowledged: int = 0
    losses: list[str] = field(default_factory=list)


def check(
    events: Iterable[Event],
    stored: Callable[[Path], set[str]],
    scratch: Path,
    *,
    subsets: int,
    seed: int = 1,
    is_one_loss_enough: bool = False,
) -> Verdict:
    """Cut the power after each event; `stored` opens the files in a folder and says which records they hold."""
    verdict, disk, chances = Verdict(), Disk(), random.Random(seed)
    acknowledged: set[str] = set()
    found: dict[str, set[str]] = {}
    for place, event in enumerate(events):
        disk.apply(event)
        if isinstance(event, Acknowledge):
            acknowledged.update(event.words)
        if is_one_loss_enough and verdict.losses:
            break
        for image in disk.images(chances, subsets):
            digest = _digest(image)
            if digest not in found:
                found[digest] = stored(_laid_out(image, scratch / digest))
                shutil.rmtree(scratch / digest)
            lost = acknowledged - found[digest]
            if lost:
                verdict.losses.append(f"after event {place} ({type(event).__name__}): {len(lost)} records")
    verdict.states, verdict.acknowledged = len(found), len(acknowledged)
    return verdict


def trace(module: str, folder: Path, *arguments: str) -> list[Event]:
    """Run `python -m module FOLDER ARGUMENTS...` under strace; what it did to the files of the folder, in order."""
    assert STRACE is not None
    log = folder.with_name(folder.name + ".strace")
    folder.mkdir()
    command = [STRACE, "-f", "-qq", "-y", "-xx", "-s", str(_TEXT_BYTES_MAX), "-e", f"trace={_CALLS}", "-o", str(log)]
    ran = subprocess.run(
        [*command, sys.executable, "-m", module, str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return list(_events(log, folder))


_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<resumed><\.\.\. \w+ resumed>)?(?P<call>.*)$")
_CALL = re.compile(r"^(?P<kind>\w+)\((?P<descriptor>\d+)<(?P<path>[^>]*)>(?:, )?(?P<rest>.*)$")
_UNLINK = re.compile(r'^unlink\("(?P<path>[^"]*)"')
_TEXT = re.compile(r'^"(?P<text>[^"]*)"(?P<is_cut>\.\.\.)?, \d+(?:, (?P<offset>\d+))?')
_UNFINISHED = "<unfinished ...>"


def _events(log: Path, folder: Path) -> Iterator[Event]:
    prefix = f"{folder.resolve()}/"
    begun: dict[str, str] = {}
    for line in log.read_text("ascii").splitlines():
        matched = _LINE.match(line)
        assert matched, line[:200]
        call = begun.pop(matched["pid"], "") + matched["call"] if matched["resumed"] else matched["call"]
        if not call.endswith(_UNFINISHED):
            yield from _event(call, prefix)
        elif call.startswith(("fsync", "fdatasync")):
            # Safe only when the call returns.
            begun[matched["pid"]] = call.removesuffix(_UNFINISHED).rstrip()
        else:
            # On the disk, perhaps, from now on.
            yield from _event(call, prefix)


def _event(call: str, prefix: str) -> Iterator[Event]:
    """The event of one call, if it succeeded and is one of the folder's files or of the standard output."""
    if re.search(r"\) += -1 E\w+", call[-200:]):
        return
    removed, done = _UNLINK.match(call), _CALL.match(call)
    path = _plain(removed["path"] if removed else done["path"] if done else "").decode()
    name = path.removeprefix(prefix)
    if done and done["kind"] == "write" and done["descriptor"] == "1":
        yield from _acknowledgement(done["rest"])
    elif path.startswith(prefix) and name.endswith((".db", "-wal", "-journal")):
        yield Unlink(name) if removed else _change(name, done)


def _change(name: str, done: re.Match[str] | None) -> Event:
    assert done is not None
    match done["kind"]:
        case "pwrite64":
            text = _TEXT.match(done["rest"])
            assert text, f"a write of {name} cannot be read"
            assert not text["is_cut"], f"a write of {name} is longer than the trace keeps"
            return Write(name, int(text["offset"]), _plain(text["text"]))
        case "ftruncate":
            return Truncate(name, int(re.split(r"\D", done["rest"], maxsplit=1)[0]))
        case "fsync" | "fdatasync":
            return Sync(name)
    raise AssertionError(f"{done['kind']} of {name} is not replayed")


def _acknowledgement(rest: str) -> Iterator[Acknowledge]:
    text = _TEXT.match(rest)
    words = re.findall(rb"ack (\S+)\n", _plain(text["text"])) if text else []
    if words:
        yield Acknowledge(tuple(word.decode() for word in words))


def _plain(text: str) -> bytes:
    """The bytes that strace wrote as `\\x41\\x42`."""
    return bytes.fromhex(text.replace("\\x", ""))


def _replayed(files: dict[str, bytes], done: Iterable[Write | Truncate]) -> dict[str, bytes]:
    changed: dict[str, bytearray] = {}
    for each in done:
        data = changed.setdefault(each.name, bytearray(files.get(each.name, b"")))
        if isinstance(each, Truncate):
            del data[each.size :]
            data.extend(bytes(each.size - len(data)))
        else:
            data.extend(bytes(max(0, each.offset - len(data))))
            data[each.offset : each.offset + len(each.data)] = each.data
    return {**files, **{name: bytes(data) for name, data in changed.items()}}


def _digest(image: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(image):
        whole.update(f"{name} {len(image[name])}\n".encode())
        whole.update(image[name])
    return whole.hexdigest()


def _laid_out(image: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, data in image.items():
        (folder / name).write_bytes(data)
    return folder
