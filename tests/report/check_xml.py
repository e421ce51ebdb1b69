#!/usr/bin/env python3
"""check_xml.py FILE...: each must be a well-formed SVG document, complete in itself, with a title."""
import sys
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"

for path in sys.argv[1:]:
    root = ElementTree.parse(path).getroot()
    assert root.tag == SVG + "svg", (path, root.tag)
    title = root.find(SVG + "title")
    assert title is not None and title.text, path
    for element in root.iter():
        assert element.tag.startswith(SVG), (path, element.tag)
        assert element.tag != SVG + "script", path
        for name, value in element.attrib.items():
            assert "href" not in name and "://" not in value, (path, name, value)
            assert "nan" not in value and "inf" not in value, (path, name, value)
print("well-formed")
