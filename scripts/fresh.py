#!/usr/bin/env python3
"""Runs a build in a target folder that outlives the checkouts it is used from.

Usage: CARGO_TARGET_DIR=FOLDER scripts/fresh.py WORKSPACE COMMAND...

Cargo holds what it has built for good while no source is younger, and does not care which checkout they lie in. With
one target folder for several checkouts that fails both ways: a new clone is younger than all of it, so everything is
built again; a checkout that is older than another's build gets the other's programs, without a word.

So the folder has a record, `sources.json`: the workspace that it was built from last, and of each file a hash and a
time. Before the command runs, this holds:

    what the folder has of a file's other contents was begun before the time that the file has.

That is all that cargo needs. Each file gets the first of these times that fits it:
- now, where the content is not the recorded one, unless the file is younger than the whole record;
- the recorded one, in a checkout that nobody has built from before (no mark in its git folder, no `target` of its own);
- the later of its own and the recorded one. A file never gets older where another target folder may know it.

The record is forgotten, and every file is of now, where it says nothing: the workspace lay elsewhere (build scripts and
`env!` keep paths), or the folder has something that was begun after the record, by a cargo that nobody called through
here or by a command that was killed. The record is written before the command, so that an interrupted one counts; files
that change while it runs are taken out of it. Locks keep away others that would change the times or the record.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

# No source is larger; data of a chain that somebody keeps in the checkout is.
LARGEST = 16 << 20
# Cargo writes one before each run of a compiler or of a build script; behind a triple where one was named.
BEGUN = [f"{profile}/{kind}/*/invoked.timestamp" for profile in ("*", "*/*") for kind in (".fingerprint", "build")]


# Of no interest where git does not say what is.
NO_SOURCES = {".git", "node_modules", "target"}


def git(workspace, *arguments):
    """What a command of git prints, without the last line's end; empty where git does not work."""
    with contextlib.suppress(FileNotFoundError):
        run = subprocess.run(["git", "-C", workspace, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if run.returncode == 0:
            return os.fsdecode(run.stdout).removesuffix("\n")
    return ""


def names_of(workspace):
    """The workspace's files: tracked, or new and not ignored; all of them where git does not know it (an archive)."""
    names = set(git(workspace, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"))
    if "Cargo.toml" in names:
        return names - {""}
    names = set()
    for folder, folders, files in os.walk(workspace):
        folders[:] = set(folders) - NO_SOURCES
        names.update(os.path.relpath(os.path.join(folder, name), workspace) for name in files)
    return names


def sources(workspace):
    """The workspace's files, tracked, or new and not ignored: name, path, hash and time. What has a Cargo.lock of its own
    is another workspace."""
    names = names_of(workspace)
    others = tuple(name.removesuffix("Cargo.lock") for name in names if name.endswith("/Cargo.lock"))
    for name in sorted(names):
        path = workspace / name
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST and not name.startswith(others):
                yield name, path, hashlib.sha256(path.read_bytes()).hexdigest(), status.st_mtime_ns


class Record:
    """What a target folder was built from; `since` is when that was last known to be all."""

    def __init__(self, target, workspace):
        self.path, self.workspace = target / "sources.json", str(workspace)
        self.files, self.since = {}, float("inf")
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            known = json.loads(self.path.read_text())
            since = self.path.stat().st_mtime_ns
            begun = (path.stat().st_mtime_ns for pattern in BEGUN for path in target.glob(pattern))
            if known["workspace"] == self.workspace and all(one <= since for one in begun):
                self.files, self.since = known["files"], since

    def time_of(self, name, content, own, new):
        """The time that a file of this hash and this time gets, in a checkout that is new or not."""
        recorded, at = self.files.get(name, (None, 0))
        if content != recorded:
            return own if own > self.since else time.time_ns()
        return at if new else max(own, at)

    def write(self):
        """Replaces the old one in one step."""
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"workspace": self.workspace, "files": self.files}))
        new.replace(self.path)


def give_times(workspace, record):
    """Sets the times of all files, and has the record say so. On return the record is on the disk."""
    git_folder = git(workspace, "rev-parse", "--absolute-git-dir")
    mark = Path(git_folder or workspace) / f"bitcoinzk-built-{workspace.name}"
    new = git_folder != "" and not mark.exists() and not (workspace / "target").exists()
    files = {}
    for name, path, content, own in sources(workspace):
        at = record.time_of(name, content, own, new)
        if at != own:
            os.utime(path, ns=(at, at))
        files[name] = content, at
    if git_folder:
        mark.touch()
    record.files = files
    record.write()


def drop_changed(workspace, record):
    """Takes the files out of the record that no longer have the time they were given: the command saw more than one
    content of them, perhaps."""
    def same(name, at):
        with contextlib.suppress(FileNotFoundError):
            return (workspace / name).stat().st_mtime_ns == at
        return False
    record.files = {name: (content, at) for name, (content, at) in record.files.items() if same(name, at)}
    record.write()


@contextlib.contextmanager
def locked(path):
    """Holds the file; waits for whoever holds it."""
    with open(os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another build holds {path}: waiting for its end", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command, workspace, target):
    """Runs it in the workspace, where cargo finds its configuration and toolchain; hands on the signals that ask it to
    end, and gives its status as a shell does."""
    child = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What is ignored (nohup) stays so, for the command too.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda received, _: child and child.send_signal(received))
    child = subprocess.Popen(command, cwd=workspace, env={**os.environ, "CARGO_TARGET_DIR": str(target)})
    code = child.wait()
    return code if code >= 0 else 128 - code


def main(workspace, *command):
    workspace, target = Path(workspace).resolve(), Path(os.environ["CARGO_TARGET_DIR"]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    with locked(workspace / "Cargo.toml"), locked(target / "sources.lock"):
        record = Record(target, workspace)
        give_times(workspace, record)
        try:
            return run(command, workspace, target)
        finally:
            drop_changed(workspace, record)


if __name__ == "__main__":
    if len(sys.argv) < 3 or "CARGO_TARGET_DIR" not in os.environ:
        sys.exit("usage: CARGO_TARGET_DIR=FOLDER scripts/fresh.py WORKSPACE COMMAND...")
    sys.exit(main(*sys.argv[1:]))
