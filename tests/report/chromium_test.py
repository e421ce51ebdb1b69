#!/usr/bin/env python3
"""chromium_test.py PROGRAM FOLDER: a report in headless Chromium, in light, dark, on a phone, on paper.

Looks for the charts and tables in the page as the browser has it, and that nothing is wider than a phone's
screen. Leaves the pictures in FOLDER. Prints `skipped: no chromium` where there is none.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

# No headless window is narrower than 500 pixels: a phone is a frame in one.
PHONE = 390
FRAME = (f'<body style="margin:0"><iframe src="PAGE" style="border:0;width:{PHONE}px;height:2400px">'
         '</iframe><pre id="probe"></pre></body>')

# Put into a copy of the page: what the browser made of it, as text that --dump-dom gives back.
PROBE = """<pre id="probe"></pre><script>
addEventListener("load", () => {
const visible = e => { const r = e.getBoundingClientRect(); return r.width > 100 && r.height > 50; };
(frameElement ? parent.document : document).getElementById("probe").textContent = JSON.stringify({
  charts: [...document.querySelectorAll("figure svg")].filter(visible).length,
  titles: [...document.querySelectorAll("figure svg > title")].map(e => e.textContent),
  tables: document.querySelectorAll("table").length,
  headings: [...document.querySelectorAll("h2")].map(e => e.textContent),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ink: getComputedStyle(document.body).color,
  width: innerWidth,
});
});
</script></body>"""
LIGHT, DARK = 1, 0
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_report(program, folder):
    ratings, output = str(folder / "r.csv"), str(folder / "run")
    run(program, "generate", "--rows", "300", "--columns", "60", ratings)
    run(program, "train", ratings, "--bottleneck", "4,8,16", "--epochs", "12", "--holdout", "0.2",
        "--output", output)
    run(program, "evaluate", output, ratings, "--hidden", "holdout", "--sample", "all")
    run(program, "evaluate", output, ratings)
    run(program, "cluster", f"{output}/k=8", ratings, "--output", f"{output}/k=8")
    run(program, "report", output)
    return folder / "run" / "report.html"


def chromium(browser, folder, page, width, scheme, *options):
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
               "--allow-file-access-from-files", f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},2400",
               *options, page.as_uri()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"chromium failed: {done.stderr.decode()[-2000:]}")
    return done.stdout.decode()


def in_frame(folder, page):
    frame = folder / "frame.html"
    frame.write_text(FRAME.replace("PAGE", page.as_uri()))
    return frame


def probe(browser, folder, page, width, scheme):
    copy = folder / "probed.html"
    # The page's policy lets no script run: in the copy it makes way.
    text = re.sub("<meta http-equiv[^>]*>", "", page.read_text())
    copy.write_text(text.replace("</body>", PROBE))
    shown = in_frame(folder, copy) if width == PHONE else copy
    dom = chromium(browser, folder, shown, width, scheme, "--dump-dom")
    text = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL).group(1)
    return json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def first_pixel(path):
    """(red, green, blue) of a PNG's top left: no filter of the first row changes it."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    return tuple(zlib.decompressobj().decompress(packed, 4)[1:4])


def main():
    program, pictures = sys.argv[1], pathlib.Path(sys.argv[2])
    browser = shutil.which("chromium")
    if browser is None:
        print("skipped: no chromium")
        return 0
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        page = make_report(program, folder)
        n_charts = len(list((page.parent / "charts").glob("*.svg")))
        light = probe(browser, folder, page, 1200, LIGHT)
        print(json.dumps(light, indent=1))
        expect(light["charts"] == n_charts and n_charts == 22, f"{n_charts} charts, all shown")
        expect(light["tables"] == 5, "five tables: run, results, two evaluations, options")
        expect(light["headings"] == ["The run", "Loss", "Results", "Evaluation",
                                     "Principal components and clusters", "Options"], "headings")
        for title in ("Training loss of every bottleneck, logarithmic", "Loss, bottleneck 16",
                      "NDCG@10 against the bottleneck",
                      "Hidden ratings and what k=8 predicts for them"):
            expect(title in light["titles"], title)
        expect(light["overflow"] == 0, "nothing is wider than the window")
        phone = probe(browser, folder, page, PHONE, LIGHT)
        expect(phone["width"] == PHONE, f"a phone of {phone['width']} pixels")
        expect(phone["charts"] == n_charts, "all charts on a phone")
        expect(phone["overflow"] == 0, f"{phone['overflow']} pixels wider than a phone")
        expect(probe(browser, folder, page, 1200, DARK)["ink"] != light["ink"],
               "dark has another ink")
        for picture, width, scheme in (("light", 1200, LIGHT), ("dark", 1200, DARK),
                                       ("phone", PHONE, LIGHT)):
            path = pictures / f"{picture}.png"
            shown = in_frame(folder, page) if width == PHONE else page
            chromium(browser, folder, shown, width, scheme, f"--screenshot={path}")
            bright = sum(first_pixel(path)) > 3 * 128
            expect(bright == (scheme == LIGHT), f"{picture}: the page is {first_pixel(path)}")
        chromium(browser, folder, page, 1200, DARK, f"--print-to-pdf={pictures / 'paper.pdf'}")
        expect((pictures / "paper.pdf").read_bytes().startswith(b"%PDF"), "a PDF")
    print(f"pictures: {pictures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
