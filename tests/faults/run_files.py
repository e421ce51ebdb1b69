"""The files of a run of `train`, read without hourglass: whether each is whole, and what two differ in.

Times differ from run to run; they are left out of what is compared."""
import hashlib
import json
import re
import struct

CSV_TIMES = {"seconds", "rows_per_second"}
RUN_TIMES = {"seconds", "peak_mib"}
LOSSES_HEADER = "epochs,losses,best,improved,seconds,rows_per_second,stopped"
RESULTS_HEADER = ("bottleneck,epochs,best_loss,last_loss,holdout_loss,best_epoch,seconds,parameters,"
                  "stopped_early")
ELEMENT_BYTES = {"F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1}


class Damage(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Damage(what)


def safetensors(content):
    """The header of a safetensors file whose tensors fill it and whose checksum holds."""
    expect(len(content) >= 8, "shorter than a header")
    length = struct.unpack_from("<Q", content)[0]
    expect(8 + length <= len(content), "cut short in its header")
    text = content[8:8 + length]
    header = json.loads(text)
    metadata = header.pop("__metadata__")
    end = 0
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, after = tensor["data_offsets"]
        size = ELEMENT_BYTES[tensor["dtype"]]
        for extent in tensor["shape"]:
            size *= extent
        expect(begin == end and after == begin + size, f"tensor {name} is out of place")
        end = after
    expect(8 + length + end == len(content), "its tensors do not fill it")
    digest = metadata["sha256"]
    expect(re.fullmatch("[0-9a-f]{64}", digest), "its checksum is none")
    at = content.index(digest.encode())
    zeroed = content[:at] + b"0" * 64 + content[at + 64:]
    expect(hashlib.sha256(zeroed).hexdigest() == digest, "its checksum does not hold")
    return header


def table(content, header):
    """Rows of a CSV file without quotes, as dicts."""
    text = content.decode("ascii")
    expect(text.endswith("\n"), "ends in the middle of a line")
    lines = text.splitlines()
    expect(lines[0] == header, f"its header is {lines[0]!r}")
    names = header.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    for row in rows:
        for name, field in row.items():
            expect(field == "" or float(field) is not None, f"{name} is {field!r}")
    return rows


def losses(content):
    rows = table(content, LOSSES_HEADER)
    expect([row["epochs"] for row in rows] == [str(i + 1) for i in range(len(rows))],
           "epochs are missing, or twice there")
    return rows


def log(content, torn=False):
    """The records of log.jsonl. `torn`: the last may be cut, as only a loss of power cuts it."""
    lines = content.decode("utf-8").split("\n")
    tail = lines.pop()
    expect(torn or tail == "", "ends in the middle of a line")
    records = [json.loads(line) for line in lines]
    expect([record["epoch"] for record in records] == list(range(1, len(records) + 1)),
           "epochs are missing, or twice there")
    return records


def crc_of_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
    return byte


CRC_OF_BYTES = [crc_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_OF_BYTES[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(message):
    """(field, value) of a protobuf message."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(message, at)
        else:
            if kind == 2:
                size, at = varint(message, at)
            else:
                size = {1: 8, 5: 4}[kind]
            value, at = message[at:at + size], at + size
        yield key >> 3, value


def events(content, torn=False):
    """(step, {name: bytes of the float}) of each event of a TensorBoard file, from its bytes alone."""
    found, at = [], 0
    while at < len(content):
        if at + 16 > len(content) or at + 16 + struct.unpack_from("<Q", content, at)[0] > len(content):
            expect(torn, "ends in the middle of a record")
            break
        length, crc = struct.unpack_from("<QI", content, at)
        expect(crc == masked(content[at:at + 8]), "a record's length is damaged")
        data = content[at + 12:at + 12 + length]
        expect(struct.unpack_from("<I", content, at + 12 + length)[0] == masked(data),
               "a record is damaged")
        step, scalars = 0, {}
        for field, value in fields(data):
            if field == 2:
                step = value
            elif field == 5:
                for _, entry in fields(value):
                    named = dict(fields(entry))
                    scalars[named[1].decode()] = named[2]
        found.append((step, scalars))
        at += 16 + length
    return found


def run_json(content):
    run = json.loads(content)
    expect(run["outcome"] in ("running", "interrupted", "failed", "done"), "it has no outcome")
    expect(isinstance(run["results"], list) and isinstance(run["options"], dict), "it is not whole")
    return run


def without(record, names):
    return {key: value for key, value in record.items() if key not in names}


def read(path, torn=()):
    """What the file holds but for times. Raises what cannot be read. `torn`: names of logs whose last
    record may be cut."""
    content, cut = path.read_bytes(), path.name in torn
    if path.suffix == ".safetensors":
        return safetensors(content), hashlib.sha256(content).hexdigest()
    if path.name == "losses.csv":
        return [without(row, CSV_TIMES) for row in losses(content)]
    if path.name == "results.csv":
        return [without(row, CSV_TIMES) for row in table(content, RESULTS_HEADER)]
    if path.name == "log.jsonl":
        return [without(record, CSV_TIMES) for record in log(content, cut)]
    if path.name.startswith("events."):
        return [(step, without(scalars, CSV_TIMES)) for step, scalars in events(content, cut)]
    if path.name == "run.json":
        run = without(run_json(content), RUN_TIMES)
        run["results"] = [without(result, RUN_TIMES) for result in run["results"]]
        return run
    raise Damage("no file of a run")


def files(folder):
    """Every file in it, but temporaries, by its name in it."""
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))
            if path.is_file() and not (path.name.startswith(".") and path.name.endswith(".tmp"))}


def leftovers(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.name.startswith(".") and path.name.endswith(".tmp")]


def damages(folder, torn=()):
    """What is damaged in the folder of a run: [] after whatever happened to it."""
    found = []
    for name, path in files(folder).items():
        try:
            read(path, torn)
        except (Damage, ValueError, KeyError, IndexError, TypeError, struct.error) as error:
            found.append(f"{name}: {error!r}")
    return found


def differences(folder, expected):
    """What the files of two finished runs differ in, and temporaries that were left."""
    found = [f"{name} is left" for name in leftovers(folder)]
    ours, theirs = files(folder), files(expected)
    for name in sorted(set(ours) | set(theirs)):
        if name not in ours or name not in theirs:
            found.append(f"{name} is {'missing' if name in theirs else 'one too many'}")
        elif read(ours[name]) != read(theirs[name]):
            found.append(f"{name} differs")
    return found
