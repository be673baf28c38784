#!/usr/bin/env python3
"""Tests of fresh.py with real builds of a toy workspace: a clone builds nothing that it need not, and no way that we
know makes cargo hold a program of other sources for that of these. Usage: scripts/fresh_test.py"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FRESH = Path(__file__).resolve().parent / "fresh.py"
# `app` prints the number of `number`, the text that its build script saw, and where its sources lie.
TOY = {
    "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "number"]\n'
                  '[profile.dev]\ndebug = false\nincremental = false\n',
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "number",\n]\n\n'
                  '[[package]]\nname = "number"\nversion = "0.1.0"\n',
    "number/Cargo.toml": '[package]\nname = "number"\nversion = "0.1.0"\nedition = "2021"\n',
    "number/src/lib.rs": "pub const NUMBER: u32 = 1;\n",
    "app/Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
                      '[dependencies]\nnumber = { path = "../number" }\n',
    "app/build.rs": 'fn main() {\n    println!("cargo:rerun-if-changed=seen.txt");\n'
                    '    println!("cargo:rustc-env=SEEN={}", std::fs::read_to_string("seen.txt").unwrap().trim());\n}\n',
    "app/seen.txt": "seen\n",
    "app/src/main.rs": 'fn main() {\n    '
                       'println!("{} {} {}", number::NUMBER, env!("SEEN"), env!("CARGO_MANIFEST_DIR"));\n}\n',
}
NUMBER, SEEN = "number/src/lib.rs", "app/seen.txt"


def number(value):
    return f"pub const NUMBER: u32 = {value};\n"


class Fresh(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.target = self.folder / "target"
        self.clone = self.folder / "clone"
        self.make(self.clone)

    def make(self, clone):
        """A checkout of the toy; another at its place is gone."""
        shutil.rmtree(clone, ignore_errors=True)
        for name, text in TOY.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        subprocess.run(["git", "init", "--quiet", clone], check=True)

    def run_in(self, clone, *command):
        return subprocess.run(command, cwd=clone, env={**os.environ, "CARGO_TARGET_DIR": str(self.target)},
                              check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def build(self, clone=None):
        """Builds through fresh.py; gives what was compiled and what the program prints."""
        clone = clone or self.clone
        run = self.run_in(clone, sys.executable, FRESH, clone, "cargo", "build", "--offline", "--locked")
        compiled = {line.split()[1] for line in run.stderr.splitlines() if line.split()[0] == "Compiling"}
        *says, place = subprocess.check_output([self.target / "debug/app"], text=True).split()
        self.assertEqual(place, str(clone / "app"))
        return compiled, " ".join(says)

    def build_past(self):
        """As somebody builds who does not know of fresh.py."""
        self.run_in(self.clone, "cargo", "build", "--offline", "--locked")

    def write(self, name, text, clone=None):
        ((clone or self.clone) / name).write_text(text)

    def test_a_clone_builds_what_has_changed(self):
        self.assertEqual(self.build(), ({"app", "number"}, "1 seen"))
        self.make(self.clone)
        self.assertEqual(self.build(), (set(), "1 seen"))
        self.make(self.clone)
        self.write(NUMBER, number(2))
        self.assertEqual(self.build(), ({"app", "number"}, "2 seen"))
        self.make(self.clone)
        self.write(NUMBER, number(2))
        self.write(SEEN, "changed\n")
        self.assertEqual(self.build(), ({"app"}, "2 changed"))
        # Back to what was built before the last two.
        self.make(self.clone)
        self.assertEqual(self.build(), ({"app", "number"}, "1 seen"))

    def test_attack_an_older_checkout_gets_its_own_program(self):
        other = self.folder / "other"
        self.make(other)
        self.write(NUMBER, number(2), other)
        self.assertEqual(self.build()[1], "1 seen")
        self.assertEqual(self.build(other)[1], "2 seen")
        self.assertEqual(self.build()[1], "1 seen")

    def test_attack_a_program_knows_its_own_checkout(self):
        other = self.folder / "other"
        self.build()
        self.make(other)
        self.assertEqual(self.build(other), ({"app", "number"}, "1 seen"))

    def test_attack_an_older_file_of_the_same_checkout_counts(self):
        self.build()
        self.write(NUMBER, number(2))
        os.utime(self.clone / NUMBER, (0, 0))
        self.assertEqual(self.build()[1], "2 seen")
        self.write(NUMBER, number(1))
        os.utime(self.clone / NUMBER, (0, 0))
        self.assertEqual(self.build()[1], "1 seen")

    def test_attack_a_build_past_the_record_is_noticed(self):
        self.build()
        self.write(NUMBER, number(2))
        self.build_past()
        self.make(self.clone)
        self.assertEqual(self.build()[1], "1 seen")

    def test_attack_a_file_that_changes_under_the_build_and_back(self):
        self.build()
        change = f"printf '{number(2)}' > {NUMBER}; cargo build --offline --locked; printf '{number(1)}' > {NUMBER}"
        self.run_in(self.clone, sys.executable, FRESH, self.clone, "sh", "-ec", change)
        self.make(self.clone)
        self.assertEqual(self.build()[1], "1 seen")

    def test_crash_a_killed_build_counts(self):
        self.build()
        self.write(NUMBER, number(2))
        killed = [sys.executable, FRESH, self.clone, "sh", "-ec", "cargo build --offline --locked; kill -9 $PPID"]
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_in(self.clone, *killed)
        self.make(self.clone)
        self.assertEqual(self.build()[1], "1 seen")

    def test_a_file_gets_no_older_where_another_folder_may_know_it(self):
        self.build()
        first = (self.clone / NUMBER).stat().st_mtime_ns
        self.make(self.clone)
        (self.clone / "target").mkdir()
        self.build()
        self.assertGreater((self.clone / NUMBER).stat().st_mtime_ns, first)

    def test_an_archive_is_built_and_never_with_another_s_program(self):
        shutil.rmtree(self.clone / ".git")
        self.assertEqual(self.build(), ({"app", "number"}, "1 seen"))
        self.assertEqual(self.build(), (set(), "1 seen"))
        self.write(NUMBER, number(2))
        os.utime(self.clone / NUMBER, (0, 0))
        self.assertEqual(self.build()[1], "2 seen")

    def test_what_nohup_ignores_ends_no_build(self):
        command = "kill -HUP $PPID; sleep 1; echo lives"
        run = self.run_in(self.clone, "sh", "-c", "trap '' HUP; exec \"$@\"", "sh",
                          sys.executable, FRESH, self.clone, "sh", "-ec", command)
        self.assertEqual(run.stdout, "lives\n")

    def test_a_failure_is_handed_on(self):
        for command, code in ((["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137)):
            run = subprocess.run([sys.executable, FRESH, self.clone, *command], cwd="/",
                                 env={**os.environ, "CARGO_TARGET_DIR": str(self.target)})
            self.assertEqual(run.returncode, code)


if __name__ == "__main__":
    # The toy needs nothing of ours that slows it down or marks it.
    for name in ("RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "GIT_DIR"):
        os.environ.pop(name, None)
    # Past rustup, which takes as long as the compiler does for the toy.
    cargo = subprocess.check_output(["rustup", "which", "cargo"], cwd=FRESH.parent, text=True)
    os.environ["PATH"] = f"{Path(cargo).parent}:{os.environ['PATH']}"
    unittest.main()
