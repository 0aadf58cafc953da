"""The promises about the files of users: those of others stay untouched, what is written is whole or not there."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, left_by_a_dead_process, refused, save

import dhl_helpers as dhl
from dhl_helpers import cache, files
from dhl_helpers.__main__ import main
from dhl_helpers.arrays import read_arrays
from dhl_helpers.benchmark import tables as benchmark_tables
from dhl_helpers.commands import _copies, _folder, predict
from dhl_helpers.locks import hold, lock, release
from dhl_helpers.scale.store import FeatureFile
from dhl_helpers.tables import for_spreadsheets
from dhl_helpers.written import MANIFEST, Written

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and file systems")
MADE_OF = {"images": "i", "network": "n", "engine": "e"}


def child(code, *arguments, **options):
    """Run Python code in another process; the process, ended."""
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)], capture_output=True,
                          text=True, errors="replace", timeout=280, cwd=ROOT, **options)  # fmt: skip


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Whole or not at all


@POSIX
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_kill_in_the_middle_leaves_the_earlier_file_and_what_it_left_is_removed(tmp_path, call):
    files.write(tmp_path / "table.csv", "before")
    code = f"""
import os, signal, sys
os.{call} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from dhl_helpers import files
files.write(sys.argv[1], "after")
"""
    assert child(code, tmp_path / "table.csv").returncode == -signal.SIGKILL
    assert (tmp_path / "table.csv").read_text() == "before" and len(list(tmp_path.iterdir())) == 2
    files.tidy(tmp_path)
    assert content(tmp_path) == {"table.csv": b"before"}


def test_an_error_in_the_middle_leaves_the_earlier_file_and_nothing_else(tmp_path):
    files.write(tmp_path / "table.csv", "before")
    with pytest.raises(RuntimeError), files.replacing(tmp_path / "table.csv") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert content(tmp_path) == {"table.csv": b"before"}


def test_only_what_dead_processes_left_is_removed(tmp_path):
    dead, alive, strange = left_by_a_dead_process("a.csv"), files._temporary("a.csv"), f"{files.UNFINISHED}notes"
    elsewhere = alive.replace(files._machine(), "00000000")
    for name in (dead, alive, strange, elsewhere, "mine.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / left_by_a_dead_process("folder")).mkdir()
    files.tidy(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {alive, strange, elsewhere, "mine.csv"}
    os.utime(tmp_path / elsewhere, (0, time.time() - 2 * files.WEEK))
    files.tidy(tmp_path)
    assert not (tmp_path / elsewhere).exists(), "after weeks another machine's process is dead, too"


@POSIX
def test_a_folder_is_replaced_whole_and_found_again_after_a_kill_between_the_two_moves(tmp_path):
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "card").write_text("before")
    code = """
import os, signal, sys
from pathlib import Path
from dhl_helpers import files
real, moves = os.replace, []
def replace(*names):
    moves.append(names)
    if len(moves) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    real(*names)
os.replace = replace
with files.replacing(Path(sys.argv[1], "pipeline")) as unfinished:
    unfinished.mkdir()
    (unfinished / "card").write_text("after")
"""
    assert child(code, tmp_path).returncode == -signal.SIGKILL and not (tmp_path / "pipeline").exists()
    files.restore(tmp_path / "pipeline")
    files.tidy(tmp_path)
    assert content(tmp_path) == {"pipeline/card": b"before"}
    with files.replacing(tmp_path / "pipeline") as unfinished:
        unfinished.mkdir()
        (unfinished / "card").write_text("after")
    assert content(tmp_path) == {"pipeline/card": b"after"}


# Only what the course wrote


def test_a_list_names_what_was_written_and_no_other_content(tmp_path):
    written = Written(tmp_path)
    written.write("a/b.txt", "one")
    (tmp_path / "mine.txt").write_text("mine")
    again = Written(tmp_path)
    assert again.ours("a/b.txt") and again.foreign(["a/b.txt", "mine.txt", "none"]) == ["mine.txt"]
    (tmp_path / "a" / "b.txt").write_text("two")
    assert not again.ours("a/b.txt")
    with refused(tmp_path, "holds files that this command has not made", "a/b.txt"):
        again.refuse(["a/b.txt"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": {"a": 3}, "unfinished": 0}', "[" * 99999])
def test_a_damaged_list_counts_as_none_and_that_is_said(tmp_path, text, capsys):
    (tmp_path / MANIFEST).write_text(text)
    assert Written(tmp_path).files == {} and "is damaged" in capsys.readouterr().err


def test_extract_writes_nothing_beside_its_output(tmp_path, monkeypatch):
    for number in range(24):
        save(tmp_path / f"{number}.png", number)
    frame = pd.DataFrame({"path": [f"{n}.png" for n in range(24)], "label": list("ab") * 12, "patient_id": range(24)})
    frame.assign(note="only copy").to_csv(tmp_path / "films.csv", index=False)
    before, out = content(tmp_path), tmp_path / "films.zarr"
    monkeypatch.setattr("dhl_helpers.scale.cluster.connect", lambda *_: NoCluster())
    monkeypatch.setattr("dhl_helpers.scale.extract", lambda deep, data, to, client: FeatureFile.create(
        to, (len(data), 3), "float32", MADE_OF))  # fmt: skip
    command = ["extract", "--dataset", "csv", "--data-dir", str(tmp_path / "films.csv"), "--out", str(out)]
    assert main(command) == 0 and main(command) == 0
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("films.zarr/") for name in after.keys() - before.keys())
    (out / "images.csv").write_text("mine")
    assert main(command) == 2 and (out / "images.csv").read_text() == "mine"


class NoCluster:
    """Stands for a cluster without workers."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def nthreads(self):
        return {}


@pytest.fixture
def series(tiny):
    return sorted(tiny.glob("*.ipynb"))


def run_once(out, series, kept=(), work=()):
    """The folder of a run as a run leaves it, without executing anything."""
    folder = _folder.prepare(out, series, list(kept))
    (out / "00_first.ipynb").write_text("executed")
    for name in work:
        (out / "work" / name).write_text("made")
    folder.close()
    return content(out)


@pytest.mark.parametrize("name", ["work/mine.txt", "figures/mine.png", "pipeline/mine.txt", "pipeline", "index.html",
                                  "00_first.ipynb", "results.csv"])  # fmt: skip
@pytest.mark.parametrize("after_a_run", [True, False])
def test_a_run_touches_no_file_that_no_run_made(tmp_path, series, name, after_a_run):
    out = tmp_path / "out"
    if after_a_run:
        run_once(out, series, work=["weights.h5"])
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("mine")
    before = content(out)
    with refused(out, "no run has made", name):
        _folder.prepare(out, series, [out / "pipeline"])
    assert content(out) == before


def test_the_next_run_clears_what_the_last_one_made(tmp_path, series):
    out = tmp_path / "out"
    run_once(out, series, work=["weights.h5", "table.csv"])
    (out / "notes.txt").write_text("mine")
    assert set(run_once(out, series)) == {"00_first.ipynb", MANIFEST, "notes.txt"}


@POSIX
def test_what_a_killed_run_had_not_finished_is_kept_aside(tmp_path, series, capsys):
    code = """
import os, signal, sys
from pathlib import Path
from dhl_helpers.commands import _folder
out = Path(sys.argv[1])
folder = _folder.prepare(out, [Path("00_first.ipynb"), Path("01_second.ipynb")], [])
(out / "00_first.ipynb").write_text("executed")
folder.note()
(out / "01_second.ipynb").write_text("half")
(out / "work" / "half.csv").write_text("half")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert child(code, tmp_path).returncode == -signal.SIGKILL
    assert set(run_once(tmp_path, series)) == {"00_first.ipynb", MANIFEST, "interrupted-1/01_second.ipynb",
                                              "interrupted-1/work/half.csv"}  # fmt: skip
    assert "an earlier run was killed" in capsys.readouterr().err


def test_a_kept_pipeline_stays_where_the_run_that_would_replace_it_fails(tmp_path, series):
    kept = tmp_path / "out" / "pipeline"
    folder = _folder.prepare(tmp_path / "out", series, [kept])
    kept.mkdir()
    (kept / "card").write_text("first")
    folder.close()
    folder = _folder.prepare(tmp_path / "out", series, [kept])
    assert not kept.exists()
    folder.close()
    assert (kept / "card").read_text() == "first"
    folder = _folder.prepare(tmp_path / "out", series, [kept])
    kept.mkdir()
    (kept / "card").write_text("second")
    folder.close()
    assert (kept / "card").read_text() == "second" and not list((tmp_path / "out").glob(".dhl-before-*"))


def test_slides_and_benchmark_refuse_files_of_others(tiny, tmp_path, capsys):
    (tmp_path / "00_first.html").write_text("mine")
    assert main(["slides", "--notebooks", str(tiny), "--out", str(tmp_path)]) == 2
    assert "00_first.html" in capsys.readouterr().err and (tmp_path / "00_first.html").read_text() == "mine"
    for name in ("benchmark_x.csv", "benchmark_x.md", "benchmark_x.png", "test_looks.csv"):
        (tmp_path / name).write_text("mine,too\n1,2\n")
        with refused(name):
            benchmark_tables.prepare(tmp_path / "benchmark_x")
        (tmp_path / name).unlink()
    benchmark_tables.prepare(tmp_path / "benchmark_x")


def test_record_refuses_a_table_of_others(tmp_path):
    (tmp_path / "results.csv").write_text("mine,too\n1,2\n")
    report = pd.DataFrame({"metric": ["auc"], "value": [0.5], "low": [0.4], "high": [0.6]})
    with refused(tmp_path / "results.csv", "something else"):
        dhl.record(str(tmp_path / "results.csv"), "04", "forest", report)
    assert (tmp_path / "results.csv").read_text() == "mine,too\n1,2\n"


def test_make_clean_leaves_what_was_saved(tmp_path):
    if not shutil.which("make"):
        pytest.skip("no make on this machine")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("build/pipeline/pipeline.json", "build/benchmark/benchmark_sample.csv", "build/book/index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    subprocess.run(["make", "-s", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert set(content(tmp_path)) == {"Makefile", "build/pipeline/pipeline.json",
                                      "build/benchmark/benchmark_sample.csv"}  # fmt: skip


# Copies to work in


@POSIX
@pytest.mark.parametrize("moves", [1, 2, 3, 4, 5])
def test_a_student_copy_that_was_cut_off_is_no_work_of_the_learner(tiny, tmp_path, capsys, moves):
    code = """
import os, signal, sys
real, done = os.replace, []
def replace(*names):
    done.append(names)
    if len(done) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(*names)
os.replace = replace
from dhl_helpers.__main__ import main
main(["student", "--notebooks", sys.argv[2], "--out", sys.argv[3]])
"""
    assert child(code, moves, tiny, tmp_path / "my").returncode == -signal.SIGKILL
    assert main(["student", "--notebooks", str(tiny), "--out", str(tmp_path / "my")]) == 0
    assert "3 notebooks are fresh" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "my").iterdir()}
    assert names == {MANIFEST, "00_first.ipynb", "01_second.ipynb", "02_third.ipynb", "solutions"}


def test_a_damaged_list_of_copies_stops_nothing(tiny, tmp_path, capsys):
    command = ["student", "--notebooks", str(tiny), "--out", str(tmp_path)]
    assert main(command) == 0
    (tmp_path / "00_first.ipynb").write_text("my work")
    (tmp_path / MANIFEST).write_text('{"files": {"00')
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr()
    assert "2 notebooks are fresh" in said.out and "Kept as you changed them: 00_first.ipynb" in said.out
    assert "damaged" in said.err and (tmp_path / "00_first.ipynb").read_text() == "my work"


def test_two_student_commands_at_once_both_end_with_fresh_copies(tiny, tmp_path, capsys):
    command = [sys.executable, "-m", "dhl_helpers", "student", "--notebooks", str(tiny), "--out", str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    assert all("3 notebooks are fresh" in process.communicate(timeout=280)[0] for process in both)
    assert main(command[3:]) == 0 and "Kept" not in capsys.readouterr().out
    assert not (tmp_path / _copies.LOCK).exists()


# Locks


@pytest.mark.parametrize("text", ["", str(os.getpid()), "12x", "\0\0", "9" * 20],
                         ids=["empty", "a running process", "text", "zeros", "too large"])  # fmt: skip
def test_what_a_lock_holds_does_not_matter(tmp_path, series, text):
    (tmp_path / _folder.MARKER).write_text(text)
    _folder.prepare(tmp_path, series, []).close()


def test_of_two_starts_at_once_one_goes_in(tmp_path):
    code = """
import sys, time
from pathlib import Path
from dhl_helpers.commands import _folder
from dhl_helpers.errors import DataError
while time.time() < float(sys.argv[2]):
    pass
try:
    _folder.prepare(Path(sys.argv[1]), [], [])
    print("in", flush=True)
    time.sleep(2)
except DataError as error:
    print("refused" if "another run" in str(error) else error)
"""
    for turn in range(3):
        command = [sys.executable, "-c", code, str(tmp_path / str(turn)), str(time.time() + 4)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
        assert sorted(process.communicate(timeout=200)[0].strip() for process in both) == ["in", "refused"]


@POSIX
def test_a_lock_ends_with_its_process_and_waits_where_it_should(tmp_path):
    code = "import sys, time; from dhl_helpers.locks import hold; from pathlib import Path; hold(Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", f"{code}; print('held', flush=True); time.sleep(60)",
                                str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True, cwd=ROOT)  # fmt: skip
    assert process.stdout.readline() == "held\n"
    with refused("busy"):
        hold(tmp_path / "lock", "busy")
    killer = threading.Timer(0.5, process.kill)
    killer.start()
    with lock(tmp_path / "lock"):
        assert process.wait(10) == -signal.SIGKILL, "it waited until the other was dead"
    assert not (tmp_path / "lock").exists()
    release(tmp_path / "lock", hold(tmp_path / "lock", "busy"))


# Damage is noticed


def flipped(whole, place, bit):
    damaged = bytearray(whole)
    damaged[place] ^= 1 << bit
    return bytes(damaged)


def test_no_flipped_bit_of_a_cache_entry_goes_unnoticed(tmp_path):
    file, x = tmp_path / "dhl-features-0.npz", np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    cache.store(file, features=x)
    whole, found = file.read_bytes(), 0
    for place in range(len(whole)):
        file.write_bytes(flipped(whole, place, place % 8))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            entry = cache.load(file)
        assert entry is None or list(entry) == ["features"] and np.array_equal(entry["features"], x), place
        found += entry is None
    assert found > len(whole) // 2


def test_no_flipped_bit_in_the_pixels_of_a_foreign_archive_goes_unnoticed(tmp_path):
    file, x = tmp_path / "a.npz", np.random.default_rng(0).integers(0, 256, (6, 10, 10), np.uint8)
    for save_as in (np.savez, np.savez_compressed):
        save_as(file, x=x, y=np.arange(6))
        whole = file.read_bytes()
        assert np.array_equal(read_arrays(file)["x"], x) and list(read_arrays(file, ["y"])) == ["y"]
        for place in range(len(whole)):
            file.write_bytes(flipped(whole, place, place % 8))
            try:
                arrays = read_arrays(file, ["x", "y"])
            except ValueError:
                continue
            assert "x" not in arrays or np.array_equal(arrays["x"], x) and arrays["x"].dtype == x.dtype


def test_an_archive_that_promises_too_much_is_refused_before_memory_is_taken(tmp_path):
    import io
    import zipfile

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + b"few")
    with pytest.raises(ValueError, match="is not in its"):
        read_arrays(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2**28))
    with pytest.raises(ValueError, match="200 times its size"):
        read_arrays(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.array([{}], object))
    with pytest.raises(ValueError):
        read_arrays(tmp_path / "a.npz")


def features_of(path, made_of=MADE_OF):
    file = FeatureFile.create(path, (700, 3), "float32", made_of)
    for rows in file.missing():
        file.write(rows, np.full((rows.stop - rows.start, 3), rows.start, np.float32))
    return file


def test_no_flipped_bit_of_a_feature_store_goes_unnoticed(tmp_path):
    file, rng = features_of(tmp_path / "f.zarr"), np.random.default_rng(0)
    right = file[:]
    for name, whole in content(file.path).items():
        for place in rng.choice(len(whole), min(60, len(whole)), replace=False):
            (file.path / name).write_bytes(flipped(whole, place, rng.integers(8)))
            with pytest.raises(dhl.DataError, match="Run the extraction again"):
                FeatureFile(file.path)[:]
        assert np.array_equal(features_of(file.path)[:], right), "the extraction puts it right"


@POSIX
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_extraction_goes_on_after_a_kill_in_its_header(tmp_path, call):
    code = f"""
import os, signal, sys
from dhl_helpers.scale import store
os.{call} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
store.FeatureFile.create(sys.argv[1], (10, 4), "float32", dict(images="i"))
"""
    assert child(code, tmp_path / "f.zarr").returncode == -signal.SIGKILL
    file = FeatureFile.create(tmp_path / "f.zarr", (10, 4), "float32", {"images": "i"})
    assert len(file.missing()) == 1 and set(content(file.path)) == {"zarr.json"}


def test_a_damaged_header_is_absent_and_no_reason_to_write_over_other_features(tmp_path):
    file = features_of(tmp_path / "f.zarr")
    (file.path / "zarr.json").write_text('{"zarr')
    with refused("zarr.json", "damaged", "Run the extraction again"):
        FeatureFile(file.path)
    before = content(file.path)
    with refused(file.path, "holds other features"):
        features_of(file.path, MADE_OF | {"images": "others"})
    assert content(file.path) == before
    assert features_of(file.path).missing() == []


def test_two_processes_that_begin_one_store_both_get_on(tmp_path):
    code = """
import sys, time
import numpy as np
from dhl_helpers.scale.store import FeatureFile
while time.time() < float(sys.argv[2]):
    pass
file = FeatureFile.create(sys.argv[1], (1500, 3), "float32", dict(images="i"))
for rows in file.missing():
    file.write(rows, np.zeros((rows.stop - rows.start, 3), np.float32))
file.tidy()
print(len(file.missing()))
"""
    for turn in range(3):
        command = [sys.executable, "-c", code, str(tmp_path / str(turn)), str(time.time() + 3)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
        assert [process.communicate(timeout=200)[0].strip() for process in both] == ["0", "0"]
        assert not [name for name in content(tmp_path / str(turn)) if ".dhl" in name]


def test_a_cache_may_fail_and_a_result_may_not(tmp_path, monkeypatch, capsys):
    def full(file, **_):
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    monkeypatch.setattr(np, "savez", full)
    cache.store(tmp_path / "dhl-features-0.npz", features=np.zeros(3))
    assert list(tmp_path.iterdir()) == [] and "No space left" in capsys.readouterr().err


# Benchmark and predict


def rows(number):
    return pd.DataFrame([{**dict.fromkeys(benchmark_tables.COLUMNS, 0.5), "dataset": "x", "base": f"b{number}",
                          "head": "h", "treatment": "t", "seed": 0, "part": "test", "metric": metric}
                         for metric in ("a", "b")])  # fmt: skip


def test_rows_that_are_not_complete_are_measured_again_and_kept_aside(tmp_path, capsys):
    table = tmp_path / "benchmark_x.csv"
    for number in range(3):
        benchmark_tables.append(table, rows(number))
    whole = table.read_text()
    assert len(benchmark_tables.finished(table, 2)) == 3 and table.read_text() == whole
    table.write_text(whole + whole.split("\n", 1)[1])  # twice, as two benchmarks at once once left it
    assert len(benchmark_tables.finished(table, 2)) == 0 and "not complete" in capsys.readouterr().err
    assert (tmp_path / "benchmark_x-before-1.csv").read_text().count("\n") == 13


def test_a_damaged_network_of_the_benchmark_is_absent(tmp_path, capsys):
    from dhl_helpers.benchmark.workbench import _seconds

    weights, kept = tmp_path / "a.weights.h5", tmp_path / "a.weights.json"
    assert _seconds(kept, weights) is None and not capsys.readouterr().err
    weights.write_bytes(b"weights")
    files.write(kept, json.dumps({"seconds": 2.5, "sha256": files.digest(weights)}))
    assert _seconds(kept, weights) == 2.5
    weights.write_bytes(b"weighty")
    assert _seconds(kept, weights) is None and "damaged; the network is trained again" in capsys.readouterr().err
    for text in ("", "{", "3", '{"seconds": 1}'):
        kept.write_text(text)
        assert _seconds(kept, weights) is None


def test_looks_are_counted_by_many_at_once(tmp_path):
    code = """
import sys
from pathlib import Path
from dhl_helpers.benchmark.tables import count_look
for _ in range(15):
    count_look(Path(sys.argv[1]), "chest_xray", "a test")
"""
    three = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "test_looks.csv")], cwd=ROOT)
             for _ in range(3)]  # fmt: skip
    assert all(process.wait(280) == 0 for process in three)
    assert benchmark_tables.looks_counted(tmp_path / "test_looks.csv", "chest_xray", "a test") == 45
    (tmp_path / "test_looks.csv").write_bytes(b"date,dataset,by,models\n1,2,3,many\n")
    with refused("test_looks.csv", "damaged", "Restore it"):
        benchmark_tables.count_look(tmp_path / "test_looks.csv", "chest_xray", "a test")


@pytest.mark.parametrize("stop", [1, 2])
def test_predict_killed_between_note_and_table_knows_its_own_table(tmp_path, monkeypatch, stop):
    out, note = tmp_path / "scores.csv", tmp_path / "scores.csv.json"
    card = dict.fromkeys(("notice", "trained_on", "operating_point", "versions", "files"), "")
    table = pd.DataFrame({"path": ["a"], "problem": [""]})
    predict.write(table, card, out, note)
    real, writes = files.write, []

    def killed(*arguments):
        writes.append(arguments)
        if len(writes) == stop:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(files, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        predict.write(table.assign(path="b"), card, out, note)
    predict.keep(out, note)
    out.write_text("mine")
    with refused(out, "changed since"):
        predict.keep(out, note)


# Errors of the operating system


def commands(tiny, out):
    """Commands that write to `out`, by name."""
    folder = {"--notebooks": tiny, "--out": out}
    words = {name: [name, *(str(word) for pair in folder.items() for word in pair)]
             for name in ("run", "student", "solution", "slides")}  # fmt: skip
    words["run"] += ["--only", "00"]
    words["extract"] = ["extract", "--dataset", "sample", "--out", str(out)]
    words["benchmark"] = ["benchmark", "--out", str(out), "--cache", str(out)]
    words["predict"] = ["predict", "no/pipeline", str(ROOT), "--out", str(out / "scores.csv")]
    words["quiz"] = ["quiz", "--out", str(out), "--only", "00"]
    words["get"] = ["datasets", "get", "pneumoniamnist", "--data-dir", str(out)]
    return words


NAMES = list(commands("", Path()))


@pytest.mark.parametrize("name", NAMES)
def test_an_output_beneath_a_file_is_one_sentence_and_2(tiny, tmp_path, capsys, name):
    (tmp_path / "file").write_text("mine")
    assert main(commands(tiny, tmp_path / "file" / "below")[name]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and said.err.count("\n") == 1 and str(tmp_path / "file") in said.err
    assert not said.out and (tmp_path / "file").read_text() == "mine"


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_one_sentence_and_2_before_the_work(tiny, tmp_path, capsys, monkeypatch, name):
    """The largest file that this process may write is one of 100 bytes: a full disk for all that it writes."""
    resource = pytest.importorskip("resource")
    tmp_path.joinpath("out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        code = main(commands(tiny, tmp_path / "out")[name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    said = capsys.readouterr()
    assert code == 2 and said.err.startswith("error: ") and said.err.count("\n") == 1 and "Make room" in said.err
    assert not said.out and list((tmp_path / "out").iterdir()) == []


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_may_not_be_written_is_one_sentence_and_2(tiny, tmp_path, capsys, monkeypatch, name):
    real = os.open

    def read_only(path, flags, *rest, **more):
        if flags & os.O_CREAT and str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, flags, *rest, **more)

    def forbidden(self, *_):
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setattr(Path, "write_bytes", forbidden)
    assert main(commands(tiny, tmp_path / "out" if name != "predict" else tmp_path)[name]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and said.err.count("\n") == 1 and str(tmp_path) in said.err
    assert "Choose a place that you may write to" in said.err and not said.out and files.UNFINISHED not in said.err


@POSIX
@pytest.mark.parametrize("name", ["run", "student", "benchmark", "predict", "extract"])
def test_a_working_directory_that_is_gone_is_one_sentence_and_2(tiny, tmp_path, monkeypatch, capsys, name):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(commands(tiny, Path("out"))[name]) == 2
    said = capsys.readouterr()
    assert said.err == "error: the working directory is gone. Change to another folder and try again.\n"


@POSIX
def test_output_that_cannot_be_written_is_one_sentence_and_2():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "dhl_helpers", "datasets"], stdout=full, stderr=subprocess.PIPE,
                              text=True, cwd=ROOT, timeout=280)  # fmt: skip
    assert done.returncode == 2 and done.stderr.startswith("error: No space left") and done.stderr.count("\n") == 1
    done = subprocess.run(f"{sys.executable} -m dhl_helpers datasets | head -1", shell=True, capture_output=True,
                          text=True, cwd=ROOT, timeout=280)  # fmt: skip
    assert done.stderr == ""


def test_a_terminal_that_cannot_show_a_name_gets_it_escaped(tmp_path):
    for name in ("健康", "bacterial", "病"):
        for number in range(3):
            save(tmp_path / name / f"{number}.png", 10 * number)
    done = subprocess.run(
        [sys.executable, "-m", "dhl_helpers", "datasets", "folder", "--data-dir", str(tmp_path)], capture_output=True,
        cwd=ROOT, timeout=280, env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"\\u5065" in done.stdout


# Tables and pages for people


def test_no_text_of_a_table_is_a_formula():
    texts = ["=1+1", '=HYPERLINK("http:x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "a;=1", "", "plain"]
    table = for_spreadsheets(pd.DataFrame({"=c": texts, "n": np.arange(11) - 5.0})).decode()
    import csv
    import io

    first, *others = csv.reader(io.StringIO(table, newline=""))
    assert first == ["'=c", "n"] and [float(row[1]) for row in others] == list(np.arange(11) - 5.0)
    for text, row in zip(texts, others, strict=True):
        assert row[0] in (text, f"'{text}") and not row[0].strip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert '"a;=1"' in table, "a separator of another country cuts no text"


def test_names_of_notebooks_are_escaped_on_the_pages_of_a_run():
    from dhl_helpers.commands import _pages

    name = "01_<img src=x onerror=alert(1)>"
    page = _pages.index(["<x>"], None, [(name, 1.0, "ok")], [name, name], [[("f.png", "<b>")]])
    assert "<img src=x" not in page and "&lt;img src=x" in page and "<b>" not in page and "<x>" not in page
    assert json.dumps(name) not in page


# For real


@pytest.mark.slow
@POSIX
def test_kills_at_random_moments_change_nothing():
    done = subprocess.run([sys.executable, "-m", "tools.kills", "--tries", "30"], capture_output=True, text=True,
                          cwd=ROOT, timeout=3000)  # fmt: skip
    assert done.returncode == 0 and " 0 with other files" in done.stdout, done.stdout + done.stderr


def run_as_user(clone, *words):
    """A command in a clone, without the superuser's right to pass over permissions, and without a home."""
    user = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("needs an ordinary user, or setpriv")
        user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    environment = os.environ | {"PYTHONPATH": str(clone), "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*user, sys.executable, "-W", "ignore", "-m", "dhl_helpers", *map(str, words)],
                          capture_output=True, text=True, cwd=clone, env=environment, timeout=900)  # fmt: skip


@pytest.mark.slow
@POSIX
def test_an_ordinary_user_with_a_read_only_clone(tmp_path):
    clone, out = tmp_path / "clone", tmp_path / "out"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    subprocess.run(["chmod", "-R", "a-w", clone], check=True)
    try:
        names = [["student"], ["solution"], ["slides"], ["quiz"], ["run", "--only", "00"], ["benchmark"],
                 ["extract", "--dataset", "sample", "--out", "f.zarr"], ["predict", "x", ".", "--out", "s.csv"],
                 ["datasets", "get", "pneumoniamnist", "--data-dir", "."]]  # fmt: skip
        for words in names:
            done = run_as_user(clone, *words)
            assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, words
            assert "Choose a place that you may write to" in done.stderr
        for words in (["student", "--out", out / "my"], ["slides", "--only", "00", "--out", out / "slides"],
                      ["run", "--only", "00", "--out", out / "run"], ["datasets", "sample"]):  # fmt: skip
            done = run_as_user(clone, *words)
            assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["chmod", "-R", "u+w", clone], check=True)


@pytest.mark.slow
@POSIX
def test_a_disk_that_is_really_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this account may not mount a small disk")
    try:
        for words in (["student"], ["solution"], ["run", "--only", "00"]):
            done = run_as_user(ROOT, *words, "--out", disk / words[0])
            assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
            assert f"{disk}" in done.stderr and "No space left on device. Make room" in done.stderr
            assert not list(disk.rglob(f"{files.UNFINISHED}*"))
    finally:
        subprocess.run(["umount", disk], check=True)
