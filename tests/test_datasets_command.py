"""`python -m dhl_helpers datasets`: the table, the check of a local copy, the download from a server run here."""

import contextlib
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from helpers import left_by_a_dead_process, medmnist, real, refused, save

import dhl_helpers as dhl
from dhl_helpers.__main__ import main
from dhl_helpers.commands import _fetch
from dhl_helpers.readers import REGISTRY, Reader, medmnist_sets


@pytest.fixture
def run(capsys):
    """Run the command; returns its exit code and what it printed."""

    def command(*words):
        code = main(["datasets", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_the_table_has_every_set(run):
    code, out, _ = run()
    assert code == 0 and all(f"\n{name} " in out for name in REGISTRY)
    lines = {line.split()[0]: line for line in out.splitlines() if line and not line.startswith(" ")}
    assert lines["nih"].endswith("real files") and lines["chexpert"].endswith("documentation")


def test_a_set_is_described(run):
    code, out, _ = run("chexpert")
    assert code == 0 and all(word in out for word in ("licence  the publisher", "patient", "source", "--data-dir DIR"))
    assert run("nosuchset")[0] == 2 and "no data set 'nosuchset'" in run("nosuchset")[2]
    code, _, err = run("nih", "mura")
    assert code == 2 and "One data set at a time, not nih mura" in err


def test_a_good_copy_has_no_problems(run, tmp_path):
    rng = np.random.default_rng(0)
    medmnist(tmp_path / "pneumoniamnist.npz",
             **{f"{part}_images": rng.integers(0, 256, (n, 10, 10)).astype(np.uint8)
                for part, n in (("train", 20), ("val", 6), ("test", 8))})  # fmt: skip
    code, out, _ = run("pneumoniamnist", "--data-dir", tmp_path)
    assert code == 0 and "No problems found." in out and "images of one can be on two sides" in out
    table = [line.split() for line in out.splitlines() if line.startswith(("normal", "pneu", "imag"))]
    expected = {"normal": [10, 3, 4], "pneumonia": [10, 3, 4], "images": [20, 6, 8]}
    assert {name: [*map(int, counts)] for name, *counts in table} == expected


def test_every_problem_is_found(run, tmp_path):
    for n in range(8):
        save(tmp_path / "img" / f"{n}.png", 10 * n)
    save(tmp_path / "img" / "1.png", 0)  # as 0, same part
    save(tmp_path / "img" / "7.png", 20)  # as 2, another part and label
    (tmp_path / "img" / "3.png").write_text("no image")
    frame = pd.DataFrame({"path": [f"img/{n}.png" for n in range(8)], "label": list("aabbaabb"),
                          "patient_id": [0, 1, 2, 3, 4, 5, 4, 7], "split": ["train"] * 5 + ["test"] * 3})  # fmt: skip
    frame.loc[7, "label"] = "a"
    frame.to_csv(tmp_path / "list.csv", index=False)
    code, out, _ = run("csv", "--data-dir", tmp_path / "list.csv")
    assert code == 1 and "4 problems found." in out
    for words in ("unreadable: 1", "3.png: not an image", "patient in two parts: 1\n  4: train, test", "identical: 1",
                  "identical in two parts, labels differ: 1"):  # fmt: skip
        assert words in out
    (tmp_path / "img" / "5.png").unlink()
    code, _, err = run("csv", "--data-dir", tmp_path / "list.csv")
    assert code == 2 and "1 of 8 files are missing" in err


def test_missing_files_of_a_public_set(run, tmp_path):
    for part in ("train", "valid"):
        kinds = enumerate(("positive", "negative"))
        paths = [f"{part}/XR_HAND/patient0000{n}/study1_{kind}/image1.png" for n, kind in kinds]
        (tmp_path / f"{part}_image_paths.csv").write_text("".join(f"MURA-v1.1/{path}\n" for path in paths))
        save(tmp_path / paths[0])
    code, out, _ = run("mura", "--data-dir", tmp_path)
    assert code == 1 and "missing: 2" in out and "identical in two parts: 1" in out and "patient in two parts: 2" in out


def test_kermany_and_options(run, kermany):  # noqa: F811
    code, out, _ = run("chest_xray_3", "--data-dir", kermany)
    assert code == 1 and "bacterial" in out and "identical" in out, "the look-alike's images are all black"
    code, _, err = run("folder", "--data-dir", kermany, "--option", "pattern", "x")
    assert code == 2 and "'folder' does not take pattern" in err


def test_validate_of_several_findings():
    counts, problems = dhl.validate("nih", real("nih"))
    assert counts.loc["images", "all"] == 120 and counts.loc["patients", "all"] == 88 and problems.empty
    assert counts.loc["(unknown labels)", "all"] == 0 and counts.loc["Infiltration", "all"] == 9


def test_real_duplicates_are_found():
    counts, problems = dhl.validate("chest_xray", real("chest_xray"))
    assert counts.loc["images"].to_dict() == {"train": 300, "test": 100}
    assert problems["problem"].tolist() == ["identical"] and "person1661_virus_2872" in problems["where"][0]


# Download

CONTENT = np.random.default_rng(0).bytes(300_000)


class Server(BaseHTTPRequestHandler):
    """Sends the file whole, half, damaged or not at all, as the address asks."""

    asked = []

    def do_GET(self):
        Server.asked.append(self.path)
        if "404" in self.path:
            return self.send_error(404)
        body = CONTENT[::-1] if "wrong" in self.path else CONTENT
        self.send_response(200)
        if "slow" in self.path or "endless" in self.path:
            return self.go_on("endless" in self.path)
        if "huge" in self.path:
            body = body + bytes(10**6)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body[: len(body) // 2] if "half" in self.path else body)
        if "half" in self.path:
            self.connection.close()

    def go_on(self, fast):
        """A byte now and then, or as much as the other side takes; no length is announced."""
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(10**5) if fast else b"x")
                self.wfile.flush()
                time.sleep(0 if fast else 0.1)

    def log_message(self, *_):
        pass


@pytest.fixture
def address(monkeypatch):
    """A server on this machine; `address(kind)` makes it the home of pneumoniamnist."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Server.asked.clear()
    monkeypatch.setattr(_fetch, "SECONDS", 5)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def home(kind, port=server.server_port):
        url, checksum = f"http://127.0.0.1:{port}/{kind}.npz?download=1", hashlib.md5(CONTENT).hexdigest()
        reader = Reader(title="t", read=print, downloads={28: (url, checksum), 64: (url, "0")})
        monkeypatch.setitem(REGISTRY, "pneumoniamnist", reader)
        return url, checksum

    yield home
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_complete_download(run, address, tmp_path):
    address("whole")
    code, out, _ = run("get", "pneumoniamnist", "--data-dir", tmp_path / "new")
    file = tmp_path / "new" / "pneumoniamnist.npz"
    assert code == 0 and f"{file}: complete, checksum as published." in out and file.read_bytes() == CONTENT
    assert list(file.parent.iterdir()) == [file], "nothing temporary is left"
    assert run("get", "pneumoniamnist", "--data-dir", tmp_path / "new")[0] == 0
    assert len(Server.asked) == 1, "what is there already is not asked for again"


@pytest.mark.parametrize(("kind", "reason"), [("half", ""), ("wrong", "another checksum"), ("404", "404")])
def test_a_failed_download_says_how_to_get_it_by_hand(run, address, tmp_path, kind, reason):
    url, checksum = address(kind)
    code, out, err = run("get", "pneumoniamnist", "--data-dir", tmp_path)
    assert code == 2 and out == "" and "could not be downloaded" in err and reason in err
    assert all(word in err for word in (url, checksum, str(tmp_path / "pneumoniamnist.npz")))
    assert list(tmp_path.iterdir()) == [], "nothing half done is left"
    address("whole")
    assert run("get", "pneumoniamnist", "--data-dir", tmp_path)[0] == 0, "the next try starts again"


@pytest.mark.parametrize(("kind", "reason"), [("slow", "kB came in"), ("endless", "more than 0.5 MB came"),
                                              ("huge", "at most 0.5 MB are expected")])  # fmt: skip
def test_a_server_that_never_ends_or_sends_too_much(run, address, tmp_path, monkeypatch, kind, reason):
    monkeypatch.setattr(_fetch, "PATIENCE", 1)
    monkeypatch.setattr(_fetch, "IMAGES", {"pneumoniamnist": 200})
    address(kind)
    begin = time.monotonic()
    code, _, err = run("get", "pneumoniamnist", "--data-dir", tmp_path)
    assert code == 2 and "could not be downloaded" in err and reason in err and time.monotonic() - begin < 30
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_download_left_is_removed_by_the_next(run, address, tmp_path):
    address("whole")
    left = tmp_path / left_by_a_dead_process("pneumoniamnist.npz")
    left.write_bytes(CONTENT[:1000])
    assert run("get", "pneumoniamnist", "--data-dir", tmp_path)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["pneumoniamnist.npz"]


def test_no_network(run, address, tmp_path):
    url, checksum = address("whole", port=1)
    code, _, err = run("get", "pneumoniamnist", "--data-dir", tmp_path)
    assert code == 2 and "could not be downloaded" in err and url in err and checksum in err
    assert list(tmp_path.iterdir()) == []


def test_what_get_refuses(run, address, tmp_path):
    address("whole")
    (tmp_path / "pneumoniamnist.npz").write_bytes(b"mine")
    code, _, err = run("get", "pneumoniamnist", "--data-dir", tmp_path)
    assert code == 2 and "not the published file. Move it away" in err and not Server.asked
    assert (tmp_path / "pneumoniamnist.npz").read_bytes() == b"mine"
    for words, says in ((["get"], "Say which data set"), (["get", "nih"], "is not downloaded by this command: NIH"),
                        (["get", "nosuchset"], "no data set"), (["get", "csv"], "it is yours"),
                        (["get", "pneumoniamnist", "--size", "99"], "no size 99; choose 28, 64")):  # fmt: skip
        code, _, err = run(*words)
        assert code == 2 and says in err
    with refused("no data set"):
        _fetch.fetch("nosuchset", 28, tmp_path)


def test_published_addresses_and_checksums():
    for name in medmnist_sets.SETS:
        downloads = REGISTRY[name].downloads
        assert set(downloads) == {28, 64, 128, 224}
        for size, (url, checksum) in downloads.items():
            assert url.startswith("https://") and f"/{name}{'' if size == 28 else f'_{size}'}.npz" in url
            assert len(checksum) == 32 and int(checksum, 16)
    assert REGISTRY["pneumoniamnist"].downloads[28][1] == "28209eda62fecd6e6a2d98b1501bb15f"
