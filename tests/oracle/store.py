"""Where recordings are kept: a gzip of JSON a family, a case a line, the same bytes for the same answers."""

import gzip
import io
import json
import pathlib

FOLDER = pathlib.Path(__file__).parent / "recordings"


def read(family):
    path = FOLDER / f"{family}.json.gz"
    return json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}


def write(family, recordings):
    dumps = json.JSONEncoder(separators=(",", ":")).encode
    lines = [f"{dumps(key)}: {dumps(recordings[key])}" for key in sorted(recordings)]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as out:
        out.write(text.encode())
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{family}.json.gz").write_bytes(buffer.getvalue())
