"""Each status has a sign that the terminal's encoding holds, on the screen and in print."""

import re
import subprocess
from pathlib import Path

import pytest
from journey import Home

from wfinspect.format import cell_width
from wfinspect.simulator import DEMO_IDS, Simulator

STATUSES = ("Success", "Failure", "Running", "WaitTime")
ASCII_SIGNS = "+X>~"
NAME = "订单明细"
C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
GBK = {"LC_ALL": "zh_CN.GBK"}


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a locale in GBK, which hardly any machine has."""
    directory = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "zh_CN", "-f", "GBK", "--no-archive", directory / "zh_CN.GBK"]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("localedef can't make a locale here")
    return directory


# UTF-8 is what all other journeys read; which encodings have the glyphs is in tests/test_terminal.py.
@pytest.mark.parametrize(
    ("environ", "encoding", "name"),
    [(GBK, "gbk", NAME), (C, "ascii", "????????")],
    ids=["signs in ASCII", "all in ASCII"],
)
def test_each_status_has_its_sign(
    home: Home,
    simulator: Simulator,
    locales: Path,
    environ: dict[str, str],
    encoding: str,
    name: str,
) -> None:
    home.environ |= environ | {"LOCPATH": str(locales)}
    home.encoding = encoding
    for number, status in zip(DEMO_IDS, STATUSES, strict=False):
        simulator.set_status(number, status)
    simulator.population.set_fields(DEMO_IDS[0], {"Name": NAME})
    with home.start(*DEMO_IDS[:4]) as app:
        for sign, status in zip(ASCII_SIGNS, STATUSES, strict=True):
            app.wait_for(rf"(?m)^   {re.escape(sign)} .* {status}")
        text = app.wait_for(rf"(?m)^   .{re.escape(f' {name} ')}")
        # No letter that could not be written shifts what stands behind it.
        heads = re.findall(rf"(?m)^   [^ ].*?(?=(?:{'|'.join(STATUSES)}) )", text)
        assert len(set(map(cell_width, heads))) == 1
        app.quit()
    printed = home.run("status")
    assert [line.split()[0] for line in printed.stdout.splitlines()[1:]] == list(ASCII_SIGNS)


def test_doctor_judges_by_the_encoding_and_not_by_the_name_of_the_locale(
    home: Home, locales: Path
) -> None:
    home.environ |= GBK | {"LOCPATH": str(locales)}
    assert "draws in ASCII" in home.run("doctor").stdout
    home.environ["PYTHONIOENCODING"] = "gb18030"
    assert "draws in ASCII" not in home.run("doctor").stdout
