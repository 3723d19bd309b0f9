"""Results in files come back equal, and a damaged file is never a result."""

import errno
import json
import os
import subprocess
import sys

import h5netcdf
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import StorageError
from bayesml.results import storage
from tests import fitted_models, posteriors


def fit():
    return fitted_models.fit("sleepstudy", fitted_models.SLEEP)


def assert_equal_results(one, other):
    assert type(one) is type(other)
    assert one.model == other.model
    assert str(one.summary()) == str(other.summary())
    pd.testing.assert_frame_equal(one.parameters, other.parameters)
    pd.testing.assert_frame_equal(one.ranef["Subject"], other.ranef["Subject"])
    pd.testing.assert_series_equal(one.fitted, other.fitted)


@pytest.mark.parametrize("result", [fit, posteriors.sleepstudy], ids=["fit", "sample"])
def test_a_result_comes_back_equal(tmp_path, result):
    path = tmp_path / "result.nc"
    result().save(path)
    loaded = bml.load(path)
    assert_equal_results(result(), loaded)
    assert loaded.ranef["Subject"].index.equals(result().ranef["Subject"].index)
    assert list(tmp_path.iterdir()) == [path]


def test_a_loaded_posterior_goes_on(tmp_path):
    post = posteriors.sleepstudy()
    post.save(tmp_path / "post.nc")
    loaded = bml.load(tmp_path / "post.nc")
    assert np.array_equal(loaded.draws("b(Days | Subject[308])"), post.draws("b(Days | Subject[308])"))
    assert loaded.priors == post.priors
    assert float(bml.hypothesis(loaded, "Days > 8")) == float(bml.hypothesis(post, "Days > 8"))
    new = pd.DataFrame({"Days": [3.0], "Subject": ["308"]})
    pd.testing.assert_frame_equal(bml.predict(loaded, new), bml.predict(post, new))


def test_the_file_is_netcdf_with_a_readable_document(tmp_path):
    path = tmp_path / "fit.nc"
    fit().save(path)
    with h5netcdf.File(path, "r") as file:
        document = json.loads(file.variables["document"][()])
    assert document["format"] == storage.FORMAT
    assert document["version"] == bml.__version__
    assert document["data_sha256"] == storage.data_hash(fit().design)


@pytest.mark.parametrize("result", [fit, posteriors.sleepstudy], ids=["fit", "sample"])
def test_no_flipped_byte_goes_unseen(tmp_path, rng, result):
    path = tmp_path / "result.nc"
    result().save(path)
    content = bytearray(path.read_bytes())
    places = {*rng.integers(0, len(content), 150).tolist(), 0, 8, len(content) - 1, len(content) - storage.SEAL_LENGTH}
    for place in places:
        damaged = content.copy()
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match="checksum"):
            bml.load(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 5000], ids=["empty", "short", "other"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.nc"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="no result of this package"):
        bml.load(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        bml.load(tmp_path / "nothing.nc")


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "fit.nc"
    fit().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StorageError):
        bml.load(path)


def written(path, document, arrays=None):
    """A file with a right checksum and any content."""
    storage.write_arrays(str(path), arrays or {}, document if isinstance(document, str) else json.dumps(document))
    storage.seal(str(path))
    return path


@pytest.mark.parametrize(
    "result",
    [
        {"object": "os:system", "fields": {"command": "true"}},
        {"object": "subprocess:Popen", "fields": {"args": "true"}},
        {"object": "bayesml.results.storage:save", "fields": {}},
        {"object": "bayesml.results.storage:os", "fields": {}},
        {"object": "bayesml.results.codec:pd.DataFrame", "fields": {}},
        {"object": "bayesml.nothing:Thing", "fields": {}},
        {"object": "bayesml.spec.terms:Term", "fields": {"wrong": 1}},
        {"array": "not there"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_file_made_by_hand_gives_an_error_and_runs_nothing(tmp_path, result):
    document = {"format": storage.FORMAT, "version": "0", "result": result}
    with pytest.raises(StorageError):
        bml.load(written(tmp_path / "file.nc", document))


@pytest.mark.parametrize("document", ["no json", "[]", {"format": "other", "version": "9", "result": None}], ids=str)
def test_documents_of_another_kind_are_refused(tmp_path, document):
    with pytest.raises(StorageError):
        bml.load(written(tmp_path / "file.nc", document))


def test_what_is_no_part_of_the_package_is_refused_before_anything_is_written(tmp_path):
    class Foreign:
        pass

    post = posteriors.sleepstudy()
    foreign = type(post)(Foreign(), post.design, post.posterior)
    with pytest.raises(StorageError, match="no part of this package"):
        foreign.save(tmp_path / "file.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "fit.nc"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "seal", fail)
    with pytest.raises(StorageError, match=r"could not be written: No space left on device; the file there is unch"):
        fit().save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits of processes")
@pytest.mark.parametrize("bytes_that_fit", [0, 3_000, 60_000, None], ids=["start", "arrays", "more arrays", "seal"])
def test_a_full_disk_leaves_the_old_file(tmp_path, bytes_that_fit):
    """The limit stops HDF5 at its first block, in its arrays, while it closes, and at the seal."""
    path = tmp_path / "post.nc"
    posteriors.sleepstudy().save(path)
    code = (
        "import resource, sys, bayesml as bml\n"
        "path, size = sys.argv[1], int(sys.argv[2])\n"
        "post = bml.load(path)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "try:\n    post.save(path)\n"
        "except bml.errors.StorageError as error:\n    print(error)\n"
    )
    size = path.stat().st_size - 10 if bytes_that_fit is None else bytes_that_fit
    done = subprocess.run([sys.executable, "-c", code, path, str(size)], capture_output=True, text=True, check=False)
    assert "could not be written: File too large; the file there is unchanged" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [path]
    assert_equal_results(bml.load(path), posteriors.sleepstudy())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StorageError, match="could not be written: No such file or directory"):
        fit().save(tmp_path / "nowhere" / "fit.nc")


def test_a_killed_process_leaves_the_old_file_and_what_it_began_is_removed_later(tmp_path):
    path = tmp_path / "fit.nc"
    fit().save(path)
    code = (
        "import sys, time, bayesml as bml\n"
        "from bayesml.results import storage\n"
        "fit = bml.load(sys.argv[1])\n"
        "def wait(*arguments):\n    print('written', flush=True)\n    time.sleep(600)\n"
        "storage.seal = wait\n"
        "fit.save(sys.argv[1])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.kill()
    process.communicate()
    assert_equal_results(bml.load(path), fit())
    (left,) = set(tmp_path.iterdir()) - {path}
    assert left.name.startswith(".fit.nc.")
    assert left.name.endswith(".unfinished")
    fit().save(path)
    assert left.exists()  # it might be another process at work
    os.utime(left, (0, 0))
    fit().save(path)
    assert list(tmp_path.iterdir()) == [path]


def test_the_permissions_are_those_of_any_new_file_and_of_the_one_replaced(tmp_path):
    path, other = tmp_path / "fit.nc", tmp_path / "other"
    other.touch()
    fit().save(path)
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    fit().save(path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("dataset", "formula", "options"),
    [
        ("sleepstudy", fitted_models.SLEEP_INTERCEPT, {}),
        ("epil", "y ~ lbase + (1 | subject)", {"family": "poisson"}),
    ],
)
def test_posterior_modes_come_back_equal(tmp_path, dataset, formula, options):
    fit = bml.fit(formula, bml.datasets.load(dataset), criterion="map", **options)
    fit.save(tmp_path / "fit.nc")
    loaded = bml.load(tmp_path / "fit.nc")
    assert str(loaded) == str(fit)
    pd.testing.assert_frame_equal(bml.predict(loaded), bml.predict(fit))
