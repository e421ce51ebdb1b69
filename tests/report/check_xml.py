#!/usr/bin/env python3
"""Reads SVG files as a strict XML parser does: check_xml.py FILE...

Prints FILE: fault for each, and how many files there were. Charts must be good alone and inside a
page: no ids, no scripts, no references, all numbers finite and all points on the picture.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "rect", "path", "circle", "text"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PATH = re.compile(r"(?:[MLHVhv]-?\d+(?:\.\d+)?(?: -?\d+(?:\.\d+)?)?)+")


def path_points(data):
    """The x and the y coordinates that a path with these commands passes."""
    xs, ys, x, y = [], [], 0.0, 0.0
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        values = [float(n) for n in NUMBER.findall(numbers)]
        if command in "ML":
            x, y = values
        elif command == "H":
            (x,) = values
        elif command == "V":
            (y,) = values
        elif command == "h":
            x += values[0]
        elif command == "v":
            y += values[0]
        xs.append(x)
        ys.append(y)
    return xs, ys


def faults(path):
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        yield f"not well-formed: {error}"
        return
    if root.tag != SVG + "svg" or root.get("role") != "img":
        yield "its root is no svg of the role img"
    _, _, width, height = (float(n) for n in root.get("viewBox").split())
    title = root.find(SVG + "title")
    if title is None or not title.text:
        yield "no title"
    for element in root.iter():
        if element.tag.removeprefix(SVG) not in ELEMENTS:
            yield f"an element {element.tag}"
        xs, ys = [], []
        for name, value in element.attrib.items():
            if name in ("id", "href", "style") or name.startswith("on"):
                yield f"an attribute {name}"
            if name in ("x", "y", "cx", "cy", "r", "width", "height"):
                if not NUMBER.fullmatch(value):
                    yield f'{name}="{value}" is no number'
                    continue
                {"x": xs, "cx": xs, "y": ys, "cy": ys}.get(name, []).append(float(value))
            if name == "d":
                if not PATH.fullmatch(value):
                    yield f'd="{value[:80]}" is no path of ours'
                    continue
                xs, ys = path_points(value)
        outside = [x for x in xs if not -1 <= x <= width + 1]
        outside += [y for y in ys if not -1 <= y <= height + 1]
        if outside:
            yield f"{element.tag.removeprefix(SVG)} outside the picture: {outside[0]}"
        if element.tag == SVG + "style" and re.search(r"@import|url\(", element.text):
            yield "its style refers to something else"


def main(paths):
    found = [f"{path}: {fault}" for path in paths for fault in faults(path)]
    print("\n".join(found + [f"{len(paths)} files, {len(found)} faults"]))
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
