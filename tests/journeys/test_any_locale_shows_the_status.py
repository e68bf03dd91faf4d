"""Each status has a sign that the terminal's encoding holds, on the screen and in print."""

import re
import subprocess
from pathlib import Path

import pytest
from journey import Home

from wfinspect.format import cell_width
from wfinspect.simulator import DEMO_IDS, Simulator

STATUSES = ("Success", "Failure", "Running", "WaitTime")
ASCII_SIGNS, GLYPHS = "+X>~", "✔✖▸◷"
NAME = "订单明细"
C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of locales, which hardly any machine has."""
    directory = tmp_path_factory.mktemp("locales")
    for name, charmap in (("zh_CN", "GBK"), ("en_US", "ISO-8859-1")):
        command = ["localedef", "-i", name, "-f", charmap, "--no-archive"]
        try:
            subprocess.run([*command, directory / f"{name}.{charmap}"], check=True)
        except (OSError, subprocess.SubprocessError):
            pytest.skip("localedef can't make a locale here")
    return directory


@pytest.mark.parametrize(
    ("environ", "encoding", "signs", "name"),
    [
        ({"LC_ALL": "zh_CN.GBK"}, "gbk", ASCII_SIGNS, NAME),
        ({"LC_ALL": "en_US.ISO-8859-1"}, "latin-1", ASCII_SIGNS, "????????"),
        ({"PYTHONIOENCODING": "gbk"}, "gbk", ASCII_SIGNS, NAME),
        (C, "ascii", ASCII_SIGNS, "????????"),
        ({"PYTHONIOENCODING": "gb18030"}, "gb18030", GLYPHS, NAME),
        ({"LC_ALL": "C"}, "utf-8", GLYPHS, NAME),
    ],
    ids=["GBK", "ISO-8859-1", "PYTHONIOENCODING", "C", "GB18030", "UTF-8"],
)
def test_each_status_has_its_sign(
    home: Home,
    simulator: Simulator,
    locales: Path,
    environ: dict[str, str],
    encoding: str,
    signs: str,
    name: str,
) -> None:
    home.environ |= environ | {"LOCPATH": str(locales)}
    home.encoding = encoding
    for number, status in zip(DEMO_IDS, STATUSES, strict=False):
        simulator.set_status(number, status)
    simulator.population.set_fields(DEMO_IDS[0], {"Name": NAME})
    with home.start(*DEMO_IDS[:4]) as app:
        for sign, status in zip(signs, STATUSES, strict=True):
            app.wait_for(rf"(?m)^ {re.escape(sign)} .* {status}")
        text = app.wait_for(rf"(?m)^ .{re.escape(f' {name} ')}")
        # No letter that could not be written shifts what stands behind it.
        heads = re.findall(rf"(?m)^ [^ W].*?(?:{'|'.join(STATUSES)}) ", text)
        assert len(set(map(cell_width, heads))) == 1
        app.quit()
    printed = home.run("status")
    assert [line.split()[0] for line in printed.stdout.splitlines()] == list(ASCII_SIGNS)


def test_doctor_judges_as_the_app_does(home: Home, locales: Path) -> None:
    home.environ |= {"LOCPATH": str(locales), "LC_ALL": "zh_CN.GBK"}
    assert "draws in ASCII" in home.run("doctor").stdout
    # What decides is not the locale's name.
    home.environ |= {"PYTHONIOENCODING": "gb18030"}
    assert "draws in ASCII" not in home.run("doctor").stdout
