"""Kernels that another process compiles."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bayesml.estimators import compile_ahead
from bayesml.estimators.compile_ahead import KERNELS, CompileAhead, compile_unclaimed, compiled, start


class Stub:
    """A kernel that counts its compilations."""

    def __init__(self):
        self.asked = []

    def compile(self, arguments):
        self.asked.append(arguments)


def running(process: Any) -> Any:
    """The process, which was started."""
    assert process is not None
    return process


def test_kernels_are_compiled_by_one_process_only(tmp_path, monkeypatch):
    stubs = [Stub() for _ in range(3)]
    monkeypatch.setattr(compile_ahead, "KERNELS", [(stub, ("types",)) for stub in stubs])
    (tmp_path / "1").touch()
    compile_unclaimed(str(tmp_path), range(3))
    compile_unclaimed(str(tmp_path), reversed(range(3)))
    assert [stub.asked for stub in stubs] == [[("types",)], [], [("types",)]]


def test_kernels_of_declared_types_are_what_sampling_calls():
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
        assert compiled(kernel)
        assert [*kernel.overloads].count(arguments) == 1


def test_no_process_where_all_is_compiled():
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
    with CompileAhead() as ahead:
        assert ahead.process is None
        ahead.finish()


@pytest.mark.parametrize("executable", [None, "", "/usr/lib/R/bin/exec/R"])
def test_no_process_without_an_interpreter(monkeypatch, tmp_path, executable):
    monkeypatch.setattr(sys, "executable", executable)
    assert start(str(tmp_path)) is None


def test_no_process_in_a_frozen_program(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert start(str(tmp_path)) is None


def test_process_ends_with_its_context(monkeypatch):
    monkeypatch.setattr(compile_ahead, "compiled", lambda kernel: False)
    monkeypatch.setattr(compile_ahead, "CODE", "import time; time.sleep(60)")
    with pytest.raises(KeyboardInterrupt), CompileAhead() as ahead:
        assert running(ahead.process).poll() is None
        raise KeyboardInterrupt
    assert running(ahead.process).poll() is not None


def test_a_process_that_fails_is_no_error(monkeypatch):
    monkeypatch.setattr(compile_ahead, "compiled", lambda kernel: False)
    monkeypatch.setattr(compile_ahead, "CODE", "raise SystemExit(3)")
    with CompileAhead() as ahead:
        running(ahead.process).wait()
        ahead.finish()
    assert running(ahead.process).returncode == 3


def test_the_process_finds_the_package_and_its_kernels(tmp_path):
    for i in range(len(KERNELS)):
        (tmp_path / str(i)).touch()
    assert running(start(str(tmp_path))).wait(120) == 0


def test_collector_is_on_again():
    code = (
        "import gc; from bayesml.estimators.compile_ahead import collector_paused\n"
        "with collector_paused():\n    assert not gc.isenabled()\nassert gc.isenabled()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_cache_folder_that_does_not_exist_yet_is_an_empty_one(tmp_path):
    def kernel(entries):
        cache_file = SimpleNamespace(_load_index=lambda: entries)
        return SimpleNamespace(
            overloads={}, _cache=SimpleNamespace(cache_path=str(tmp_path / "not" / "there"), _cache_file=cache_file)
        )

    assert not compiled(kernel({}))
    assert compiled(kernel({"signature": "file"}))
